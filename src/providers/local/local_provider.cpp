#include "providers/local/local_provider.h"

#include "base/log.h"
#include "providers/local/call.h"
#include "providers/local/parameters.h"
#include "providers/local/waiting.h"

namespace slipway::local {
namespace {

// The helper keeps the instances of other providers too.
bool is_local(const agent::InstanceStatus& instance) {
    const std::string provider = json::get_string(instance.meta, "provider");
    return provider.empty() || provider == "local";
}

// Where an engine that listens on every address is connected to.
std::string reachable(const std::string& address) {
    if (address == "0.0.0.0") return "127.0.0.1";
    return address == "::" ? "::1" : address;
}

}  // namespace

LocalProvider::LocalProvider(LocalOptions options, agent::AgentClient& agent, boost::asio::any_io_executor executor)
    : options_(std::move(options)), agent_(agent), watcher_(std::move(executor)) {
    std::erase_if(options_.addresses,
                  [](const std::string& address) { return address.contains(':') && !has_address(address); });
    if (!options_.tls) options_.tls = std::make_shared<const sql::TlsSource>();
    engines_.push_back(make_redis_engine());
    engines_.push_back(make_memcached_engine());
    engines_.push_back(make_postgres_engine(options_.tls));
    engines_.push_back(make_mariadb_engine(options_.tls));
}

Task<Status> LocalProvider::start(Duration budget) {
    const Deadline deadline(budget);
    const agent::Answer<agent::Hello> hello = co_await agent_.hello(deadline.left());
    if (!hello) co_return fail(ErrorCode::unavailable, "the helper process does not answer", hello.error().message);
    if (hello->version != agent::kProtocolVersion) {
        co_return fail(ErrorCode::unavailable, "the helper process is of another version: restart it");
    }
    std::string cursor;
    do {
        const agent::Answer<agent::ListPage> page = co_await agent_.list(cursor, deadline.left());
        if (!page)
            co_return fail(ErrorCode::unavailable, "the helper process does not answer", page.error().message);
        for (const agent::InstanceStatus& each : page->instances) {
            const bool ours = json::get_string(each.meta, "installation") == options_.installation.str();
            if (ours && each.process && is_local(each)) watcher_.watch(each.name, *each.process);
        }
        cursor = page->next;
    } while (!cursor.empty());
    co_return Status{};
}

const Engine* LocalProvider::engine_of(Kind kind, std::string_view engine) const {
    const auto found = std::ranges::find_if(engines_, [&](const std::unique_ptr<Engine>& each) {
        return each->facts().kind == kind && each->facts().name == engine;
    });
    return found == engines_.end() ? nullptr : found->get();
}

Status LocalProvider::available(Kind kind, std::string_view engine) const {
    const Engine* known = engine_of(kind, engine);
    if (known == nullptr) {
        return fail(ErrorCode::unavailable,
                    fmt::format("the local provider cannot make {} {}", engine, to_string(kind)));
    }
    const std::optional<agent::Hello>& hello = agent_.known();
    if (!hello) return fail(ErrorCode::unavailable, "the helper process that starts engines is not running");
    const EngineFacts& facts = known->facts();
    const auto program = hello->programs.find(facts.program);
    if (program == hello->programs.end()) {
        return fail(ErrorCode::unavailable,
                    fmt::format("the helper process does not know {}: restart it", facts.program));
    }
    if (program->second.empty()) {
        return fail(ErrorCode::unavailable,
                    fmt::format("{} is not installed (apt-get install {})", facts.program, facts.package));
    }
    return {};
}

std::vector<AllocationRange> LocalProvider::ranges(Kind kind, std::string_view engine) const {
    if (engine_of(kind, engine) == nullptr) return {};
    std::vector<AllocationRange> ranges{{"local/port", "port", options_.port_first, options_.port_last}};
    if (agent_.known() && agent_.known()->isolation) {
        const std::int64_t last = options_.uid_last - static_cast<std::int64_t>(agent::kReservedUids);
        ranges.push_back({"local/uid", "uid", options_.uid_first, std::max(options_.uid_first, last)});
    }
    return ranges;
}

std::vector<std::string> LocalProvider::secrets(Kind kind, std::string_view engine) const {
    const Engine* known = engine_of(kind, engine);
    return known == nullptr ? std::vector<std::string>() : known->facts().secrets;
}

void LocalProvider::on_change(std::function<void(std::string external_name)> listener) {
    on_change_ = listener;
    watcher_.on_death(std::move(listener));
}

Task<Status> LocalProvider::tell_renewed(Duration budget) {
    const Deadline deadline(budget);
    std::string cursor;
    do {
        const agent::Answer<agent::ListPage> page = co_await agent_.list(cursor, deadline.left());
        if (!page) {
            co_return fail(ErrorCode::unavailable, "the helper process does not answer", page.error().message);
        }
        for (const agent::InstanceStatus& each : page->instances) {
            const bool ours = json::get_string(each.meta, "installation") == options_.installation.str();
            const bool server = json::get_string(each.meta, "kind") == to_string(Kind::database_server);
            if (ours && server && each.process && on_change_) on_change_(each.name);
        }
        cursor = page->next;
    } while (!cursor.empty());
    co_return Status{};
}

Task<ProviderAnswer> LocalProvider::answer(Verb verb, Target target, Spec spec, Duration budget) {
    Call call{verb, std::move(target), std::move(spec), Deadline(budget)};
    if (!agent::valid_name(call.name())) {
        co_return std::unexpected(provider_error(ErrorClass::permanent, "the name must match [a-z0-9-]{1,63}"));
    }
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(call.name(), call.deadline);
    if (!guard) {
        co_return std::unexpected(
            provider_error(ErrorClass::transient, "another call for the same name is still under way"));
    }
    try {
        switch (verb) {
            case Verb::observe: co_return co_await do_observe(call);
            case Verb::create:
            case Verb::update: co_return co_await do_converge(call);
            case Verb::remove: co_return co_await do_remove(call);
        }
    } catch (const std::exception& thrown) {
        // What libraries throw (no memory, no descriptors) ends here.
        co_return std::unexpected(provider_error(call.touched ? ErrorClass::unknown_outcome : ErrorClass::transient,
                                                 "the machine is short of something", thrown.what()));
    }
    co_return std::unexpected(out_of_time(true));
}

Observation LocalProvider::running(const Call& call, const agent::Process& process, std::uint16_t port,
                                   std::string detail, const std::string& version) const {
    Observation seen;
    seen.presence = Presence::running;
    seen.endpoint = Endpoint{call.engine->facts().scheme, fmt::format("{}.{}", call.name(), options_.domain), port};
    seen.handle = {{"pid", process.pid},
                   {"start_time", process.start_time},
                   {"port", port},
                   {"generation", call.target.generation}};
    const EngineFacts& facts = call.engine->facts();
    if (!facts.administrator.empty()) {
        seen.handle["address"] = reachable(options_.addresses.front());
        seen.handle["admin_user"] = facts.administrator;
        seen.handle["user"] = tenant_of(call.spec.parameters);
        if (options_.tls->now().on()) seen.handle["tls"] = to_string(options_.tls->now().mode);
        // With all of its connections taken it does not say.
        const std::string before = json::get_string(call.target.handle, "engine_version");
        seen.handle["engine_version"] = version.empty() ? before : version;
    }
    seen.detail = std::move(detail);
    return seen;
}

Contact LocalProvider::contact(const Call& call, const agent::Process& process, std::uint16_t port) const {
    return {reachable(options_.addresses.front()), port, process, call.target.generation, salt_of(call.target)};
}

json::object LocalProvider::meta(const Call& call) const {
    const auto uid = call.spec.allocations.find("uid");
    const bool isolation = agent_.known() && agent_.known()->isolation;
    const std::int64_t own = agent_.known() ? static_cast<std::int64_t>(agent_.known()->uid) : -1;
    return {{"installation", call.target.installation.str()},
            {"resource", call.target.resource.str()},
            {"generation", call.target.generation},
            {"token", call.target.token},
            {"port", call.setup.port},
            {"uid", isolation && uid != call.spec.allocations.end() ? uid->second : own},
            {"kind", to_string(call.spec.kind)},
            {"engine", call.spec.engine}};
}

Task<std::expected<InventoryPage, ProviderError>> LocalProvider::inventory(std::string cursor, Duration budget) {
    agent::Answer<agent::ListPage> page = co_await agent_.list(std::move(cursor), budget);
    if (!page) co_return std::unexpected(error_of(page.error(), false));
    InventoryPage answer;
    answer.next = page->next;
    for (const agent::InstanceStatus& each : page->instances) {
        if (!is_local(each)) continue;
        InventoryItem item;
        item.external_name = each.name;
        item.presence = !each.held ? Presence::stopped : each.process ? Presence::running : Presence::pending;
        if (const std::optional<agent::Identity> owner = agent::identity_of(each.meta)) {
            item.installation = InstallationId(owner->installation);
            item.resource = ResourceId(owner->resource);
            item.generation = owner->generation;
        } else {
            item.presence = Presence::foreign;
            item.detail = each.damage;
        }
        if (item.installation == options_.installation && each.process) watcher_.watch(each.name, *each.process);
        answer.items.push_back(std::move(item));
    }
    co_return answer;
}

}  // namespace slipway::local
