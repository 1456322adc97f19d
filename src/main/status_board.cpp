#include "main/status_board.h"

#include <optional>
#include <set>

#include <fmt/format.h>

namespace slipway {

std::string StatusBoard::Part::fix() const {
    if (state) return {};
    if (name == "store") return "look at the log and at the disk below the state directory";
    constexpr std::string_view kInstall = "apt-get install ";
    const std::string& reason = state.error().message;
    const std::size_t at = reason.find(kInstall);
    if (at == std::string::npos) return "look at the log of the server and of its helper";
    return fmt::format("{}, then restart the server and a helper that is a service of its own",
                       reason.substr(at, reason.find(')', at) - at));
}

Result<ProviderTraits> StatusBoard::traits(std::string_view provider, Kind kind, std::string_view engine) const {
    const std::lock_guard lock(mutex_);
    const auto found = traits_.find(Key(provider, kind, engine));
    if (found == traits_.end()) return fail(ErrorCode::unavailable, "no provider of this server makes that");
    return found->second;
}

std::vector<StatusBoard::Change> StatusBoard::refresh(const ProviderDirectory& directory, const Catalog& catalog) {
    std::map<Key, Result<ProviderTraits>> now;
    for (const Plan& plan : catalog.plans()) {
        const Key key(plan.provider, plan.kind, plan.engine);
        if (!now.contains(key)) now.emplace(key, directory.traits(plan.provider, plan.kind, plan.engine));
    }
    std::vector<Change> changes;
    const std::lock_guard lock(mutex_);
    for (const auto& [key, state] : now) {
        const auto before = traits_.find(key);
        const bool told = before != traits_.end() && before->second.has_value() == state.has_value() &&
                          (state || before->second.error().message == state.error().message);
        if (told) continue;
        const auto& [provider, kind, engine] = key;
        changes.push_back({provider, kind, engine, state ? Status() : Status(fail(state.error()))});
    }
    traits_ = std::move(now);
    return changes;
}

void StatusBoard::set_store(Status state) {
    const std::lock_guard lock(mutex_);
    store_ = std::move(state);
}

std::vector<StatusBoard::Part> StatusBoard::parts() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> useful;
    for (const auto& [key, state] : traits_) {
        if (state) useful.insert(std::get<0>(key));
    }
    std::vector<Part> parts{{"store", store_}};
    for (const auto& [key, state] : traits_) {
        const auto& [provider, kind, engine] = key;
        const bool others_suffice =
            kind == Kind::backup || useful.contains(provider) || (kind == Kind::machine && !useful.empty());
        parts.push_back({fmt::format("{} {}", provider, engine), state ? Status() : Status(fail(state.error())),
                         !others_suffice});
    }
    return parts;
}

}  // namespace slipway
