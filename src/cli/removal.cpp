// Removing resources: by name, or all that a selector finds.
#include <fmt/format.h>

#include "cli/query_text.h"
#include "cli/resources.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kAtOnce = 1000;  // that a selector may find
constexpr std::size_t kNamed = 20;     // in the question

struct Target {
    std::string name;  // for people
    std::string id;    // for the server: a name may be another's by then
};

// What the selector finds: of the key's own organization unless another was asked for.
Outcome<std::vector<Target>> select(Api& api, const RemoveOptions& options) {
    const auto organization = owner_of(api, options.scope);
    if (!organization) return std::unexpected(organization.error());
    QueryText query("/api/v1/resources");
    query.add("selector", options.selector);
    query.add("organization", *organization);
    bool more = false;
    const auto found = api.all({query.str(), "resources", "", kAtOnce}, more);
    if (!found) return std::unexpected(found.error());
    if (more) {
        return fail(Exit::failed, fmt::format("more than {} resources match", kAtOnce), "use a narrower selector");
    }
    std::vector<Target> targets;
    for (const json::value& one : *found) {
        if (!one.is_object()) continue;
        targets.push_back({cell(one.get_object(), "name"), json::get_string(one.get_object(), "id")});
    }
    return targets;
}

Outcome<bool> agreed(Environment& environment, const std::vector<Target>& targets) {
    std::string question = targets.size() == 1 ? std::string("remove 1 resource and its data:")
                                               : fmt::format("remove {} resources and their data:", targets.size());
    for (std::size_t i = 0; i < std::min(targets.size(), kNamed); ++i) question += " " + targets[i].name;
    if (targets.size() > kNamed) question += fmt::format(" and {} more", targets.size() - kNamed);
    const auto answer = environment.confirm(question + "?");
    if (environment.interrupted()) return fail(Exit::interrupted, "interrupted; nothing was removed");
    if (answer) return *answer;
    return fail(Exit::usage, fmt::format("{} resources match, and nobody is there to confirm", targets.size()),
                "say --yes");
}

class Removal {
  public:
    Removal(Api& api, const WaitOptions& wait, bool json) : api_(api), wait_(wait), json_(json) {}

    // All are asked for before any is waited for. The first failure is the answer, after every other was tried.
    Outcome<Exit> run(const std::vector<Target>& targets) {
        for (const Target& target : targets) ask(target);
        for (const auto& [name, id] : asked_) {
            if (first_ && first_->exit == Exit::interrupted) break;
            wait_.wait ? wait(name, id) : say(fmt::format("{} is being removed: {}", name, printable(id)));
        }
        if (json_) api_.environment().out << json::dump(ended_) << '\n';
        if (first_) return std::unexpected(std::move(*first_));
        return Exit::ok;
    }

  private:
    void note(Failure failure) {
        if (!first_) {
            first_ = std::move(failure);
        } else {
            api_.environment().err << "slipway: " << failure.message << '\n';
        }
    }
    void say(const std::string& text) {
        if (!json_) api_.environment().out << text << '\n';
    }
    void ask(const Target& target) {
        if (first_ && first_->exit == Exit::interrupted) return;
        auto accepted = api_.remove(api_path({"resources", target.id}));
        if (!accepted) {
            Failure failure = std::move(accepted.error());
            if (failure.exit != Exit::interrupted) failure.message = target.name + ": " + failure.message;
            note(std::move(failure));
            return;
        }
        asked_.emplace_back(target.name, json::get_string(*accepted, "id"));
        if (!wait_.wait) ended_.emplace_back(std::move(*accepted));
    }
    void wait(const std::string& name, const std::string& id) {
        auto operation = await_operation(api_, id, wait_, name);
        if (!operation) return note(std::move(operation.error()));
        if (json::get_string(*operation, "state") == "succeeded") {
            say(name + " is removed");
        } else {
            note({Exit::failed, name + " was not removed: " + cell(*operation, "reason"),
                  "`slipway why " + name + "` tells more"});
        }
        ended_.emplace_back(std::move(*operation));
    }

    Api& api_;
    const WaitOptions& wait_;
    bool json_;
    std::optional<Failure> first_;
    std::vector<std::pair<std::string, std::string>> asked_;  // name, operation
    json::array ended_;
};

}  // namespace

Outcome<Exit> remove_resources(Api& api, const RemoveOptions& options, const WaitOptions& wait, bool json) {
    if (options.names.empty() == options.selector.empty()) {
        return fail(Exit::usage, "name resources, or select them with --selector");
    }
    std::vector<Target> targets;
    for (const std::string& name : options.names) targets.push_back({printable(name), name});
    if (!options.selector.empty()) {
        auto found = select(api, options);
        if (!found) return std::unexpected(std::move(found.error()));
        targets = std::move(*found);
        if (targets.empty()) {
            api.environment().err << "slipway: nothing matches\n";
            if (json) api.environment().out << "[]\n";
            return Exit::ok;
        }
        const auto go = options.yes ? Outcome<bool>(true) : agreed(api.environment(), targets);
        if (!go) return std::unexpected(go.error());
        if (!*go) return fail(Exit::failed, "nothing was removed");
    }
    return Removal(api, wait, json).run(targets);
}

}  // namespace slipway::cli
