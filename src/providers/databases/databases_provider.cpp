#include "providers/databases/databases_provider.h"

#include <algorithm>

#include "providers/databases/errors.h"

namespace slipway::databases {
namespace {

constexpr std::size_t kMostHosts = 1024;  // whose connections are kept
constexpr Duration kLookAgain = std::chrono::milliseconds(500);

bool same(const ServerAccess& one, const ServerAccess& other) {
    return one.engine == other.engine && one.address == other.address && one.port == other.port &&
           one.endpoint == other.endpoint && one.user == other.user && one.password.equals(other.password.reveal());
}

bool known_engine(std::string_view engine) { return engine == "postgres" || engine == "mysql"; }

ProviderError not_ready(const Error& error) {
    const bool waiting = error.code == ErrorCode::unavailable;
    ProviderError answer =
        transient(waiting ? "its database server is not ready" : "it cannot be found out which server it is on");
    answer.detail = error.detail.empty() ? error.message : error.message + ": " + error.detail;
    return answer;
}

// Not begun, and to be asked again.
Observation crowded(Verb verb) {
    Observation waiting;
    waiting.presence = verb == Verb::remove ? Presence::deleting : Presence::pending;
    waiting.detail = "its database server has too much to do just now";
    waiting.look_again = kLookAgain;
    return waiting;
}

// What the last look at the server itself has found says more than that it does not answer.
ProviderAnswer telling(const std::string& trouble, ProviderAnswer answer) {
    if (answer || trouble.empty()) return answer;
    ProviderError& error = answer.error();
    if (error.error_class == ErrorClass::transient || error.error_class == ErrorClass::unknown_outcome) {
        error.message += fmt::format("; {}", trouble);
    }
    return answer;
}

// An operation looks before it goes on: while its server is away (killed, restarting) it waits, and counts no
// failure.
ProviderAnswer patient(ProviderAnswer answer) {
    if (answer || answer.error().error_class != ErrorClass::transient) return answer;
    Observation waiting;
    waiting.presence = Presence::pending;
    waiting.detail = std::move(answer.error().message);
    waiting.look_again = kLookAgain;
    return waiting;
}

}  // namespace

Status DatabasesProvider::available(Kind kind, std::string_view engine) const {
    if (kind == Kind::database && known_engine(engine)) return {};
    return fail(ErrorCode::unavailable,
                fmt::format("the databases provider cannot make {} {}", engine, to_string(kind)));
}

Task<ProviderAnswer> DatabasesProvider::answer(Verb verb, Target target, Spec spec, Duration budget) {
    const Deadline deadline(budget);
    const bool changes = verb == Verb::create || verb == Verb::update;
    auto tenant = changes ? tenant_of(target, spec) : names_of(target, spec);
    if (!tenant) co_return std::unexpected(tenant.error());
    ResourceId server = spec.placed_on;
    if (server.empty()) server = ResourceId(json::get_string(target.handle, "server"));
    // Who only looks has no token, and comes one by one.
    const auto others = under_way_->find(server);
    const bool full = others != under_way_->end() && others->second >= options_.per_server;
    if (full && !target.token.empty()) co_return crowded(verb);
    const UnderWay counted(under_way_, server);
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(target.external_name, deadline);
    if (!guard) co_return std::unexpected(transient("another call for the same name is still under way"));
    try {
        if (!server.empty()) {
            ProviderAnswer answer =
                co_await dispatch(verb, server, std::move(*tenant), std::move(spec.engine), deadline);
            const sql::TlsMode tls = options_.tls->now().mode;
            if (answer && answer->presence == Presence::running && tls != sql::TlsMode::off) {
                answer->handle["tls"] = to_string(tls);
            }
            co_return verb == Verb::observe && !target.token.empty() ? patient(std::move(answer)) : answer;
        }
        if (verb == Verb::remove) co_return co_await remove_anywhere(std::move(*tenant), deadline);
    } catch (const std::exception& thrown) {
        // What libraries throw (no memory, no descriptors) ends here.
        ProviderError error = transient("the machine is short of something");
        if (verb != Verb::observe) error.error_class = ErrorClass::unknown_outcome;
        error.detail = thrown.what();
        co_return std::unexpected(std::move(error));
    }
    co_return std::unexpected(permanent("no server was chosen for it"));
}

Task<ProviderAnswer> DatabasesProvider::dispatch(Verb verb, ResourceId server, Tenant tenant, std::string engine,
                                                 Deadline deadline) {
    const Found found = co_await find_host(verb, std::move(server), std::move(engine));
    if (!found) co_return found.error();
    const std::shared_ptr<Host>& host = found->host;
    switch (verb) {
        case Verb::observe: co_return telling(found->trouble, co_await host->observe(std::move(tenant), deadline));
        case Verb::create:
            co_return telling(found->trouble, co_await host->converge(std::move(tenant), true, deadline));
        case Verb::update:
            co_return telling(found->trouble, co_await host->converge(std::move(tenant), false, deadline));
        case Verb::remove: co_return telling(found->trouble, co_await host->remove(std::move(tenant), deadline));
    }
    co_return std::unexpected(permanent("unknown verb"));
}

Task<DatabasesProvider::Found> DatabasesProvider::find_host(Verb verb, ResourceId server, std::string engine) {
    const Result<std::optional<ServerAccess>> access = co_await servers_.find(server);
    if (!access) {
        if (verb == Verb::observe && access.error().code == ErrorCode::unavailable) {
            Observation waiting;
            waiting.presence = Presence::pending;
            waiting.detail = "its database server is not ready";
            waiting.look_again = kLookAgain;
            co_return std::unexpected(ProviderAnswer(std::move(waiting)));
        }
        co_return std::unexpected(ProviderAnswer(std::unexpected(not_ready(access.error()))));
    }
    if (!*access) {
        hosts_.erase(server);
        if (verb != Verb::create) co_return std::unexpected(ProviderAnswer(Observation{}));
        co_return std::unexpected(ProviderAnswer(std::unexpected(permanent("its database server is gone"))));
    }
    const ServerAccess& found = **access;
    if (!known_engine(found.engine) || (!engine.empty() && engine != found.engine)) {
        co_return std::unexpected(
            ProviderAnswer(std::unexpected(permanent("its database server is of another engine"))));
    }
    co_return Reached{host_of(found), found.trouble};
}

std::shared_ptr<Host> DatabasesProvider::host_of(const ServerAccess& access) {
    const auto known = hosts_.find(access.server);
    if (known != hosts_.end() && same(known->second.access, access)) return known->second.host;
    if (known == hosts_.end() && hosts_.size() >= kMostHosts) hosts_.clear();
    std::shared_ptr<Host> host = access.engine == "mysql" ? make_mysql_host(access, executor_, options_.tls)
                                                          : make_postgres_host(access, executor_, options_.tls);
    hosts_.insert_or_assign(access.server, Known{access, host});
    return host;
}

// Nobody knows where it is: it is looked for on every server.
Task<ProviderAnswer> DatabasesProvider::remove_anywhere(Tenant tenant, Deadline deadline) {
    const Result<std::vector<ServerAccess>> all = co_await servers_.all();
    if (!all) co_return std::unexpected(not_ready(all.error()));
    std::optional<Observation> strange;
    for (const ServerAccess& each : *all) {
        if (!known_engine(each.engine)) continue;
        const std::shared_ptr<Host> host = host_of(each);
        ProviderAnswer answer = co_await host->remove(tenant, deadline);
        if (!answer) co_return answer;
        if (answer->presence == Presence::foreign) strange = std::move(*answer);
    }
    co_return strange.value_or(Observation{});
}

// A page for each server, in the order of their ids, so that one which comes or goes meanwhile moves no other.
Task<std::expected<InventoryPage, ProviderError>> DatabasesProvider::inventory(std::string cursor,
                                                                               Duration budget) {
    const Deadline deadline(budget);
    Result<std::vector<ServerAccess>> all = co_await servers_.all();
    if (!all) co_return std::unexpected(not_ready(all.error()));
    std::erase_if(
        *all, [&](const ServerAccess& each) { return each.server.str() <= cursor || !known_engine(each.engine); });
    std::ranges::sort(*all, {}, [](const ServerAccess& each) { return each.server.str(); });
    InventoryPage page;
    if (all->empty()) co_return page;
    const std::shared_ptr<Host> host = host_of(all->front());
    Items items = co_await host->list(deadline);
    // What does not answer must not look like an empty server.
    if (!items) co_return std::unexpected(items.error());
    page.items = std::move(*items);
    if (all->size() > 1) page.next = all->front().server.str();
    co_return page;
}

}  // namespace slipway::databases
