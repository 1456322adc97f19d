#include "ops/rotation_keeper.h"

#include "domain/rotation.h"

namespace slipway {
namespace {

const Cause kCause{"rotation", ""};
constexpr std::uint32_t kPage = 200;

}  // namespace

Task<Result<std::uint32_t>> RotationKeeper::pass() {
    std::uint32_t confirmed = 0;
    PageRequest page{"", kPage};
    do {
        ResourceFilter filter;
        filter.kind = Kind::database;
        filter.state = "ready";
        const auto found = co_await parts_.store.resources(filter, page);
        if (!found) co_return fail(found.error());
        for (const Resource& database : found->items) {
            const auto done = co_await confirm(database);
            if (!done) co_return fail(done.error());
            confirmed += *done ? 1 : 0;
        }
        page.after = found->next;
    } while (!page.after.empty());
    co_return confirmed;
}

// False: it is not due, or changed meanwhile, and the next look sees how.
Task<Result<bool>> RotationKeeper::confirm(const Resource& database) {
    const Rotation rotation = rotation_in(database.parameters);
    const TimePoint now = parts_.clock.now();
    if (!rotation.keep_former || now < rotation.former_until) co_return false;
    if (database.updated_at >= rotation.former_until && now < database.updated_at + options_.pause) co_return false;
    auto draft = draft_confirmation(database, {kCause, now, options_.time_limit, {}},
                                    "nobody confirmed the new password in time", parts_.random);
    if (!draft) co_return false;
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(draft->resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(draft->operation), std::nullopt});
    commit.events.push_back(std::move(draft->event));
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

}  // namespace slipway
