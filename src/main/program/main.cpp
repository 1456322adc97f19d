// The one program: the server, its helper and the command line.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "cli/cli.h"
#include "main/image_verbs.h"
#include "main/process_setup.h"
#include "main/serve.h"

namespace {

int dispatch(int argc, char** argv) {
    const std::string_view verb = argc > 1 ? std::string_view(argv[1]) : std::string_view();
    if (verb == "serve") return slipway::serve(std::vector<std::string>(argv + 2, argv + argc));
    if (verb == "agent") return slipway::agent::run(argc, argv);
    // A command has the key, and of databases their passwords.
    slipway::forbid_dumps();
    const std::vector<slipway::cli::OtherCommand> others{
        {"serve", "run the server (slipway serve --help)"},
        {"agent", "the helper that starts engines; the server starts its own"}};
    slipway::ImageVerbs images(slipway::process_environment());
    if (verb != "help") return slipway::cli::run(argc, argv, others, &images);
    std::string help = "--help";
    std::vector<char*> words{argv[0], help.data(), nullptr};
    return slipway::cli::run(2, words.data(), others, &images);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return dispatch(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "slipway: %s\n", error.what());
        return 1;
    }
}
