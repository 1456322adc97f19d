// The one program: the server, its helper and the command line.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "main/serve.h"

namespace {

constexpr std::string_view kUsage =
    "Slipway, a self-service provisioning broker.\n"
    "\n"
    "  slipway serve [OPTION...]   run the server (slipway serve --help)\n"
    "  slipway agent ...           the server's helper process; started by it\n"
    "  slipway --version\n";

int dispatch(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::string_view verb = words.empty() ? "help" : std::string_view(words.front());
    if (verb == "serve") return slipway::serve({words.begin() + 1, words.end()});
    if (verb == "agent") return slipway::agent::run(argc, argv);
    if (verb == "--version") {
        std::puts("slipway " SLIPWAY_VERSION);
        return 0;
    }
    std::fputs(kUsage.data(), stdout);
    return verb == "help" || verb == "--help" ? 0 : 2;
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
