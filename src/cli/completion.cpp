#include "cli/completion.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/contains.h"
#include "cli/images.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kOffered = 200;
constexpr Duration kConnect = std::chrono::milliseconds(300);
constexpr Duration kAnswer = std::chrono::milliseconds(700);

struct Candidate {
    std::string text;
    std::string help;
};

// Values that are known here, by the word that stands for them in helps.
std::vector<Candidate> known_values(std::string_view value) {
    const auto words = [](std::initializer_list<std::string_view> all) {
        std::vector<Candidate> made;
        for (const std::string_view word : all) made.push_back({std::string(word), {}});
        return made;
    };
    if (value == "FORMAT") return words({"table", "wide", "name", "json"});
    if (value == "KIND") return words({"cache", "database-server", "database", "machine", "cluster", "backup"});
    if (value == "STATE") {
        return words({"requested", "provisioning", "ready", "updating", "failed", "deprovisioning", "gone"});
    }
    if (value == "OPKIND") return words({"provision", "deprovision", "update", "repair", "claim"});
    if (value == "OPSTATE") {
        return words({"queued", "running", "waiting", "retrying", "succeeded", "failed", "cancelled"});
    }
    if (value == "ROLE") return words({"reader", "user", "administrator"});
    if (value == "SHELL") return words({"bash", "zsh", "fish"});
    if (value == "TYPE") return words({"resource.", "operation.", "webhook.", "orphan."});
    if (value == "FILE") return words({":files"});
    if (value == "DIR") return words({":directories"});
    return {};
}

// Where values of a kind are listed: what is asked for, and which members are the value and its description.
struct Source {
    std::string target;
    std::string items;
    std::string text;
    std::vector<std::string> help;
};

// What the words before the last one say.
struct Walk {
    const CommandInfo* command = nullptr;
    const OptionText* awaited = nullptr;  // the option whose value comes next
    std::vector<std::string> arguments;
    CommonOptions common;
    std::string engine;        // as given by option
    bool only_values = false;  // after "--"

    void value(const OptionText& option, const std::string& text) {
        const auto is = [&](std::string_view name) { return contains(option.names, name); };
        if (is("--server")) common.server = text;
        if (is("--ca-file")) common.ca_file = text;
        if (is("--key-file")) common.key_file = text;
        if (is("--state-dir")) common.state_dir = text;
        if (is("--engine")) engine = text;
    }
    void take(const std::string& word) {
        if (awaited != nullptr) {
            if (word == "=") return;  // bash takes "--kind=cache" apart
            value(*std::exchange(awaited, nullptr), word);
            return;
        }
        if (word == "--") {
            only_values = true;
            return;
        }
        if (word.size() < 2 || word[0] != '-' || only_values) {
            const CommandInfo* next = arguments.empty() && !only_values ? command->find(word) : nullptr;
            if (next != nullptr) {
                command = next;
            } else {
                arguments.push_back(word);
            }
            return;
        }
        const std::size_t equals = word.find('=');
        const OptionText* option = command->find_option(word.substr(0, equals));
        if (option == nullptr || option->value.empty()) return;
        if (equals == std::string::npos) {
            awaited = option;
        } else {
            value(*option, word.substr(equals + 1));
        }
    }
    // The word for what comes next, where it is no option.
    [[nodiscard]] std::string argument() const {
        if (arguments.size() < command->arguments.size()) return command->arguments[arguments.size()].value;
        if (command->arguments.empty() || !command->arguments.back().several) return {};
        return command->arguments.back().value;
    }
};

std::optional<Source> source_of(std::string_view value, const Walk& walk) {
    const auto limited = [](std::string path) {
        QueryText query(std::move(path));
        query.add("limit", std::to_string(kOffered));
        return query;
    };
    const std::vector<std::string> about{"engine", "plan", "state"};
    if (value == "RESOURCE") return Source{limited("/api/v1/resources").str(), "resources", "name", about};
    if (value == "OPERATION") {
        QueryText query = limited("/api/v1/operations");
        query.add("open", "true");
        return Source{query.str(), "operations", "id", {"kind", "state"}};
    }
    if (value == "ENGINE") return Source{"/api/v1/plans", "plans", "engine", {}};
    if (value == "PLAN") {
        QueryText query("/api/v1/plans");
        const bool creates = !walk.command->arguments.empty() && walk.command->arguments.front().value == "ENGINE";
        query.add("engine", creates && !walk.arguments.empty() ? walk.arguments.front() : walk.engine);
        return Source{query.str(), "plans", "name", {"title", "description"}};
    }
    if (value == "ORGANIZATION") {
        return Source{limited("/api/v1/organizations").str(), "organizations", "id", {"title"}};
    }
    if (value == "KEY") return Source{limited("/api/v1/keys").str(), "keys", "id", {"role", "description"}};
    if (value == "WEBHOOK") return Source{"/api/v1/webhooks", "webhooks", "id", {"url"}};
    if (value == "PROVIDER") return Source{"/api/v1/orphans", "orphans", "provider", {}};
    if (value == "ORPHAN") return Source{"/api/v1/orphans", "orphans", "external_name", {"kind"}};
    return std::nullopt;
}

// Every failure is none: whoever presses Tab must not get a message into the line.
std::vector<Candidate> asked_values(const Source& source, const Walk& walk, const Environment& environment) {
    std::ostream nowhere(nullptr);
    Environment quick{.variables = environment.variables,
                      .out = nowhere,
                      .err = nowhere,
                      .root = environment.root,
                      .call =
                          [&](const net::Origin& origin, net::HttpCall call) {
                              call.connect_limit = kConnect;
                              call.answer_limit = kAnswer;
                              return environment.call(origin, std::move(call));
                          },
                      .pause = environment.pause,
                      .now = environment.now};
    const auto settings = settings_of(walk.common, quick);
    if (!settings) return {};
    const auto page = Api(*settings, quick).get(source.target);
    if (!page) return {};
    std::vector<Candidate> found;
    for (const json::value& value : array_in(*page, source.items)) {
        if (!value.is_object()) continue;
        const json::object& one = value.get_object();
        Candidate candidate{cell(one, source.text), {}};
        for (const std::string& key : source.help) {
            if (const std::string text = cell(one, key); text != "-") {
                candidate.help += (candidate.help.empty() ? "" : " ") + text;
            }
        }
        if (!contains(found, candidate.text, &Candidate::text)) found.push_back(std::move(candidate));
    }
    return found;
}

// Images lie on this machine: no server is asked.
std::vector<Candidate> local_values(std::string_view value, const Walk& walk, const Environment& environment) {
    std::vector<Candidate> found;
    if (environment.images == nullptr) return found;
    if (value == "RECIPE") {
        for (const auto& [name, help] : environment.images->recipes()) found.push_back({name, help});
    }
    if (value == "IMAGE") {
        const auto images = environment.images->list(state_dir(walk.common, environment));
        if (!images) return found;
        for (const json::value& each : *images) {
            if (each.is_object()) found.push_back({cell(each.get_object(), "name"), {}});
        }
    }
    return found;
}

std::vector<Candidate> values_of(const std::string& value, const Walk& walk, const Environment& environment) {
    std::vector<Candidate> found = known_values(value);
    std::ranges::move(local_values(value, walk, environment), std::back_inserter(found));
    if (const auto source = source_of(value, walk)) {
        std::ranges::move(asked_values(*source, walk, environment), std::back_inserter(found));
    }
    // What is being done to a resource is meant by the resource's name, too.
    if (value == "OPERATION") {
        std::ranges::move(asked_values(*source_of("RESOURCE", walk), walk, environment), std::back_inserter(found));
    }
    return found;
}

std::vector<Candidate> options_of(const CommandInfo& command) {
    std::vector<Candidate> found;
    for (const OptionText& option : command.options) {
        for (const std::string& name : option.names) {
            if (name.starts_with("--")) found.push_back({name, option.help});
        }
    }
    return found;
}

}  // namespace

std::vector<std::string> complete(const std::vector<std::string>& words, const CommandInfo& grammar,
                                  const Environment& environment) {
    Walk walk;
    walk.command = &grammar;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) walk.take(words[i]);
    std::string begun = words.empty() ? "" : words.back();
    if (walk.awaited != nullptr && begun == "=") begun.clear();
    std::string before;  // of the word, which stays as it is
    std::vector<Candidate> found;
    const std::size_t equals = begun.find('=');
    const bool option = begun.starts_with('-') && walk.awaited == nullptr && !walk.only_values;
    if (walk.awaited != nullptr) {
        found = values_of(walk.awaited->value, walk, environment);
    } else if (option && equals != std::string::npos) {
        const OptionText* of = walk.command->find_option(begun.substr(0, equals));
        if (of != nullptr && !of->value.empty()) found = values_of(of->value, walk, environment);
        before = begun.substr(0, equals + 1);
    } else if (option) {
        found = options_of(*walk.command);
    } else if (walk.arguments.empty() && !walk.command->commands.empty()) {
        for (const CommandInfo& command : walk.command->commands) found.push_back({command.name, command.help});
    } else {
        found = values_of(walk.argument(), walk, environment);
    }
    std::vector<std::string> lines;
    for (const Candidate& candidate : found) {
        const std::string text = candidate.text.starts_with(':') ? candidate.text : before + candidate.text;
        const bool given = contains(walk.arguments, candidate.text);
        if (!candidate.text.starts_with(':') && (given || !text.starts_with(begun))) continue;
        lines.push_back(candidate.help.empty() ? text : text + "\t" + candidate.help);
    }
    return lines;
}

}  // namespace slipway::cli
