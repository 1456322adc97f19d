// The verbs for the consoles of machines, virtual and containers.
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/server.h"
#include "base/base64.h"

namespace slipway::agent {
namespace {

constexpr std::string_view kMachineKind = "machine";
constexpr std::string_view kContainerEngine = "container";
constexpr std::chrono::seconds kTendInterval(5);
constexpr int kNothingToTend = 3600 * 1000;                // milliseconds
constexpr std::int64_t kMostTail = std::int64_t{2} << 20;  // bytes: more is never kept

bool is_container(const InstanceStatus& status) {
    return json::get_string(status.meta, "engine") == kContainerEngine;
}

}  // namespace

Answer<Handler::Named> Handler::with_console(const json::object& request) const {
    Answer<Named> found = owned(request);
    if (found && json::get_string(found->status.meta, "kind") != kMachineKind) {
        return refuse(FailureCode::unsupported, "only machines have a console");
    }
    return found;
}

Answer<json::object> Handler::read_console(const json::object& request) const {
    ConsoleWish wish{json::get_string(request, "after"), 0};
    const std::int64_t tail = json::get_int(request, "tail");
    if (tail < 0 || tail > kMostTail) return refuse(FailureCode::invalid, "tail must be from 0 to 2097152");
    wish.tail = static_cast<std::uint64_t>(tail);
    const Answer<Named> found = with_console(request);
    if (!found) return std::unexpected(found.error());
    const bool container = is_container(found->status);
    trim_console(found->directory.get());
    const ConsoleOwner owner{container ? instances_.rights().uid : found->uid, container};
    const Answer<ConsolePart> part = agent::read_console(found->directory.get(), owner, wish);
    if (!part) return std::unexpected(part.error());
    return json::object{
        {"bytes", to_base64(part->bytes)}, {"next", part->next}, {"lost", part->lost}, {"more", part->more}};
}

// What is typed may be a password: it is in no message.
Answer<json::object> Handler::type_at_console(const json::object& request) {
    const std::optional<std::string> bytes = from_base64(json::get_string(request, "bytes"));
    if (!bytes || bytes->empty() || bytes->size() > kMaxTyped) {
        return refuse(FailureCode::invalid, "bytes must be from 1 to 4096 of them, in base64");
    }
    const Answer<Named> found = with_console(request);
    if (!found) return std::unexpected(found.error());
    Answer<Typed> typed = Typed::off;
    if (!is_container(found->status)) {
        typed = lines_.type(found->name, found->directory.get(), found->uid, *bytes);
    } else if (found->status.process) {
        typed = type_in_container(*found->status.process, *bytes);
    }
    if (!typed) return std::unexpected(typed.error());
    return json::object{{"typed", to_string(*typed)}};
}

std::optional<Answer<json::object>> Handler::dispatch_console(std::string_view verb, const json::object& request) {
    if (verb == "read_console") return read_console(request);
    if (verb == "type_at_console") return type_at_console(request);
    return std::nullopt;
}

// Of machines only: what others call so in their data is theirs.
void Handler::tend_console(const std::string& name) const {
    const Answer<UniqueFd> directory = instances_.directory(name);
    struct stat seen{};
    if (!directory || ::fstatat(directory->get(), "data/console.log", &seen, AT_SYMLINK_NOFOLLOW) != 0) return;
    const Answer<InstanceStatus> status = instances_.status(name);
    if (status && json::get_string(status->meta, "kind") == kMachineKind) trim_console(directory->get());
}

int Handler::tend(std::chrono::steady_clock::time_point now) {
    if (machines_.places().images.empty()) return kNothingToTend;
    if (now >= tend_at_) {
        for (const std::string& each : instances_.names()) tend_console(each);
        lines_.close_idle(now);
        tend_at_ = now + kTendInterval;
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(tend_at_ - now).count());
}

}  // namespace slipway::agent
