#include "yard.h"

#include <stdexcept>

namespace slipway::placement_test {
namespace {

Catalog catalog(std::uint64_t threshold) {
    Plan server;
    server.kind = Kind::database_server;
    server.engine = "postgres";
    server.name = "small";
    server.provider = "servers";
    Plan database;
    database.kind = Kind::database;
    database.engine = "postgres";
    database.name = "small";
    database.provider = "databases";
    database.placement = PlacementRule{"small", threshold, true};
    return Catalog({server, database});
}

dummy::DummyOptions options(std::string name) {
    dummy::DummyOptions options;
    options.name = std::move(name);
    return options;
}

}  // namespace

Yard::Yard(std::uint64_t threshold, dummy::Script servers)
    : catalog_(catalog(threshold)),
      servers_(options("servers"), world_, scheduler_),
      databases_(options("databases"), world_, scheduler_),
      calls_(registry_, sealer_, InstallationId("ours")) {
    if (servers) servers_.script(std::move(servers));
    registry_.add(servers_);
    registry_.add(databases_);
    auto opened = store::SqliteStore::open(directory_.path() / "data", clock_, random_);
    if (!opened) throw std::runtime_error(opened.error().message + opened.error().detail);
    store_ = std::move(*opened);
    BrokerOptions limits;
    limits.host = HostId("host-1");
    broker_ =
        std::make_unique<Broker>(Broker::Parts{*store_, catalog_, registry_, sealer_, clock_, random_}, limits);
    clusters_ = std::make_unique<Clusters>(Clusters::Parts{*store_, *broker_, clock_, random_});
    shared_ = std::make_unique<SharedServers>(SharedServers::Parts{*store_, *broker_, catalog_, sealer_});
    EngineOptions engine;
    engine.host = HostId("host-1");
    engine.per_organization = 256;
    engine_ = Engine::make({*store_, calls_, clock_, scheduler_, random_, context_.get_executor()}, engine);
    store_->listen([this](const CommitNotice& notice) {
        broker_->on_commit(notice);
        if (notice.work) engine_->wake();
    });
    engine_->start();
    thread_ = std::thread([this] { context_.run(); });
}

Yard::~Yard() {
    store_->listen(nullptr);
    context_.stop();
    thread_.join();
    store_.reset();  // it answers into the executor, which is still there
}

ProvisionRequest Yard::database() {
    ProvisionRequest request;
    request.face = "test";
    request.kind = Kind::database;
    request.engine = "postgres";
    request.plan = "small";
    request.billing_code = "team-a";
    return request;
}

Task<Result<Resource>> Yard::make_database() {
    const auto accepted = co_await broker_->provision(tenant(), database());
    if (!accepted) co_return fail(accepted.error());
    const auto ended = co_await broker_->wait(accepted->operation->id, kLimit);
    if (!ended) co_return fail(ended.error());
    auto made = co_await store_->resource(accepted->resource.id);
    if (!made) co_return fail(made.error());
    co_return std::move(**made);
}

std::vector<Resource> Yard::databases(std::size_t count) {
    std::vector<Resource> made;
    for (auto& each : at_once<Result<Resource>>(count, [this](std::size_t) { return make_database(); })) {
        if (!each) throw std::runtime_error(each.error().message + each.error().detail);
        made.push_back(std::move(*each));
    }
    return made;
}

Task<Result<Operation>> Yard::remove_one(ResourceId id) {
    const auto removed = co_await broker_->deprovision(tenant(), id);
    if (!removed) co_return fail(removed.error());
    co_return co_await broker_->wait(removed->operation->id, kLimit);
}

void Yard::remove(const std::vector<ResourceId>& all) {
    for (auto& each : at_once<Result<Operation>>(all.size(), [&](std::size_t i) { return remove_one(all[i]); })) {
        if (!each) throw std::runtime_error(each.error().message + each.error().detail);
    }
}

std::vector<HostLoad> Yard::loads() {
    return run(store_->host_loads(OrganizationId(kSystemOrganization), Kind::database_server, "postgres")).value();
}

std::vector<Resource> Yard::servers() {
    ResourceFilter filter;
    filter.kind = Kind::database_server;
    filter.include_gone = true;
    return run(store_->resources(filter, {"", 1000})).value().items;
}

}  // namespace slipway::placement_test
