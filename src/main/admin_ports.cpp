#include "main/admin_ports.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slipway {
namespace {

std::vector<faces::ReadinessCheck> readiness(const StatusBoard& board) {
    std::vector<faces::ReadinessCheck> checks;
    for (const StatusBoard::Part& part : board.parts()) {
        checks.push_back(
            {part.name, part.state.has_value(), part.state ? "" : part.state.error().message, part.needed});
    }
    return checks;
}

Task<Result<faces::SweepResult>> sweep(AdminParts parts, faces::SweepRequest wanted) {
    SweepOptions options;
    options.dry_run = wanted.dry_run;
    options.grace = wanted.grace.value_or(parts.config.background.sweep_grace);
    auto report = co_await parts.sweeper.sweep(options);
    if (!report) co_return fail(report.error());
    co_return faces::SweepResult{std::move(report->found), report->inventory, report->removed, report->failed};
}

Task<Result<faces::OrphanRemoval>> remove_orphan(AdminParts parts, std::string provider, std::string name) {
    auto removal = co_await parts.sweeper.remove_one(std::move(provider), std::move(name), SweepOptions());
    if (!removal) co_return fail(removal.error());
    co_return faces::OrphanRemoval{std::move(removal->orphan), removal->removed};
}

Task<Result<faces::Delivery>> test_webhook(AdminParts parts, WebhookId id) {
    auto all = co_await parts.store.webhooks();
    if (!all) co_return fail(all.error());
    const auto found = std::ranges::find(*all, id, &Webhook::id);
    if (found == all->end()) co_return fail(ErrorCode::not_found, "no such webhook");
    auto tested = co_await parts.webhooks.test(std::move(*found));
    if (!tested) co_return fail(tested.error());
    const auto status = tested->status != 0 ? std::optional(tested->status) : std::nullopt;
    co_return faces::Delivery{tested->delivered, status, std::move(tested->error)};
}

}  // namespace

faces::NativePorts admin_ports(AdminParts parts) {
    faces::NativePorts ports;
    ports.readiness = [&board = parts.board] { return readiness(board); };
    ports.doctor = [parts] { return examine(parts); };
    ports.orphans = [&store = parts.store] { return store.orphans(); };
    ports.sweep = [parts](faces::SweepRequest wanted) -> Task<Result<faces::SweepResult>> {
        co_return co_await boost::asio::co_spawn(
            parts.ops, [parts, wanted] { return sweep(parts, wanted); }, boost::asio::use_awaitable);
    };
    ports.remove_orphan = [parts](std::string provider, std::string name) -> Task<Result<faces::OrphanRemoval>> {
        co_return co_await boost::asio::co_spawn(
            parts.ops, [parts, provider, name] { return remove_orphan(parts, provider, name); },
            boost::asio::use_awaitable);
    };
    ports.test_webhook = [parts](WebhookId id) -> Task<Result<faces::Delivery>> {
        co_return co_await boost::asio::co_spawn(
            parts.ops, [parts, id] { return test_webhook(parts, id); }, boost::asio::use_awaitable);
    };
    return ports;
}

}  // namespace slipway
