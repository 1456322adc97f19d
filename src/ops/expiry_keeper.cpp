#include "ops/expiry_keeper.h"

#include "domain/expiry.h"
#include "store/removal.h"

namespace slipway {
namespace {

const Cause kCause{std::string(kExpiryActor), ""};
constexpr std::uint32_t kPage = 100;
constexpr Duration kSoon = std::chrono::seconds(1);  // after others were first

}  // namespace

Task<Result<ExpiryKeeper::Pass>> ExpiryKeeper::pass() {
    Pass pass;
    for (bool more = true; more;) {
        const auto found = co_await parts_.store.expiring(TimePoint::max(), kPage);
        if (!found) co_return fail(found.error());
        more = false;
        for (const Resource& each : *found) {
            const TimePoint due = each.expiry->due;
            if (due > parts_.clock.now()) {
                pass.next = std::min(due, pass.next.value_or(due));
                co_return pass;
            }
            const auto seen_to = co_await see_to(each, pass);
            if (!seen_to) co_return fail(seen_to.error());
            more = more || *seen_to;
            if (!*seen_to) pass.next = parts_.clock.now() + kSoon;
        }
    }
    co_return pass;
}

Task<Result<bool>> ExpiryKeeper::see_to(Resource resource, Pass& pass) {
    if (parts_.clock.now() >= resource.expiry->at) co_return co_await remove(resource, pass);
    co_return co_await warn(std::move(resource), pass);
}

Task<Result<bool>> ExpiryKeeper::warn(Resource resource, Pass& pass) {
    EventDraft event = warn_of_end(resource, parts_.clock.now());
    auto written = co_await put(std::move(resource), std::move(event));
    if (written && *written) pass.warned += 1;
    co_return written;
}

// As its owner would: what runs on it is halted first. Where that comes to nothing, it is tried again after a
// pause.
Task<Result<bool>> ExpiryKeeper::remove(const Resource& resource, Pass& pass) {
    const TimePoint now = parts_.clock.now();
    Resource leaving = resource;
    leaving.expiry->due = now + options_.pause;
    auto commit = co_await removal_of(parts_.store, parts_.random, std::move(leaving),
                                      {kCause, now, options_.removal_limit, "its lifetime is over"});
    if (!commit && commit.error().code != ErrorCode::conflict) co_return fail(commit.error());
    if (!commit) co_return co_await delay(resource, commit.error().message, pass);
    const auto answer = co_await parts_.store.commit(std::move(*commit));
    if (!answer) co_return fail(answer.error());
    if (const auto* rejected = std::get_if<Rejected>(&*answer)) {
        if (rejected->obstacle != Obstacle::place_taken) co_return false;
        co_return co_await delay(resource, "others live on it, and have to be removed first", pass);
    }
    pass.removed += 1;
    if (parts_.observer != nullptr) parts_.observer->on_expired(resource);
    co_return true;
}

Task<Result<bool>> ExpiryKeeper::delay(Resource resource, std::string_view why, Pass& pass) {
    std::optional<EventDraft> event = delay_end(resource, why, parts_.clock.now(), options_.pause);
    auto written = co_await put(std::move(resource), std::move(event));
    if (written && *written) pass.delayed += 1;
    co_return written;
}

Task<Result<bool>> ExpiryKeeper::put(Resource resource, std::optional<EventDraft> event) {
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(resource)});
    if (event) commit.events.push_back(std::move(*event));
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

}  // namespace slipway
