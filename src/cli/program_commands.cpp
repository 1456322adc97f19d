// The grammar of the commands about the program itself; they ask no server.
#include <CLI/CLI.hpp>

#include "cli/completion.h"
#include "cli/grammar.h"

namespace slipway::cli {

void add_program_commands(CLI::App& app, Parsed& parsed) {
    const std::string group = "Program";
    CLI::App* completion =
        add_local_command(app, parsed,
                          {"completion", "print the completion script for a shell", group,
                           "  eval \"$(slipway completion bash)\"\n  source <(slipway completion zsh)\n"
                           "  slipway completion fish | source"},
                          [&parsed](Environment& environment) -> Outcome<Exit> {
                              environment.out << completion_script(parsed.name);
                              return Exit::ok;
                          });
    add_argument(*completion, "SHELL", parsed.name, "bash, zsh or fish")
        ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}).description(""));
    add_local_command(app, parsed, {"version", "print the version", group, "  slipway version --json"},
                      [&parsed](Environment& environment) -> Outcome<Exit> {
                          const std::string version = SLIPWAY_VERSION;
                          environment.out << (parsed.json() ? json::dump(json::object{{"version", version}})
                                                            : "slipway " + version)
                                          << '\n';
                          return Exit::ok;
                      });
}

}  // namespace slipway::cli
