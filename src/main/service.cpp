#include "main/service.h"

#include <thread>

#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/client.h"
#include "base/log.h"
#include "broker/administration.h"
#include "broker/broker.h"
#include "broker/clusters.h"
#include "broker/console_operations.h"
#include "broker/database_servers.h"
#include "broker/engine_operations.h"
#include "broker/rotation.h"
#include "faces/ec2/ec2_face.h"
#include "faces/harbourmaster/harbourmaster_face.h"
#include "faces/native/native_face.h"
#include "faces/native/shapes.h"
#include "faces/redis/memcached_face.h"
#include "faces/redis/redis_face.h"
#include "http/server.h"
#include "main/admin_ports.h"
#include "main/certificate.h"
#include "main/database_tls.h"
#include "main/identity.h"
#include "main/live_engines.h"
#include "main/machine_service.h"
#include "main/metrics_route.h"
#include "main/ops_thread.h"
#include "main/service_options.h"
#include "main/state_dir.h"
#include "main/status_board.h"
#include "main/store_levels.h"
#include "main/sync_probe.h"
#include "main/webhook_poster.h"
#include "ops/background.h"
#include "ops/database_logins.h"
#include "ops/engine.h"
#include "ops/server_directory.h"
#include "providers/backups/backups_provider.h"
#include "providers/backups/restoring_provider.h"
#include "providers/databases/databases_provider.h"
#include "providers/dummy/inert_provider.h"
#include "providers/local/local_provider.h"
#include "store/log_files.h"
#include "store/master_key.h"
#include "store/sealer.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kTick = milliseconds(100);
constexpr Duration kLookAtParts = seconds(1);
constexpr Duration kProviderStart = seconds(2);  // longer than that the first requests do not wait for a helper
constexpr Duration kEngineStop = seconds(5);
constexpr Duration kRemoveLogs = std::chrono::hours(1);

}  // namespace

// The members stand in the order in which they have to be there; stop() says in which order they go.
class Service::Impl {
  public:
    explicit Impl(const Settings& settings) : config_(settings.config), catalog_(settings.config.plans) {}
    ~Impl() { stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status start(const Settings& settings);
    void reload();
    void stop();
    [[nodiscard]] const std::vector<http::Listener>& listeners() const { return server_->listeners(); }

  private:
    Status open_state(const std::filesystem::path& path);
    Status make_provider();
    void make_backups();
    void make_operations();
    Status make_webhooks();
    Task<Metrics::Levels> levels();
    void make_broker();
    void make_engine_operations();
    http::Router routes();
    Status listen();
    void begin_work();
    void tell_who_may_call() const;
    void tell_certificate() const;
    void reload_database_tls();
    void on_commit(const CommitNotice& notice);
    Task<void> tick();
    Task<void> look_at_parts();
    Task<bool> start_provider(Duration budget);
    Task<void> remove_old_logs();
    void note_provider_changes();

    const Config config_;
    const Catalog catalog_;
    SystemClock clock_;
    SteadyClock steady_clock_;  // leases and due times: it never jumps
    SystemRandom random_;
    AsioScheduler scheduler_;
    StatusBoard board_;
    StateDir state_dir_;
    SyncProbe disk_;
    OpsThread ops_;
    Metrics metrics_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<store::KeyRing> keys_;
    Identity identity_;
    std::shared_ptr<sql::TlsSource> database_tls_;  // on the engine's thread
    std::unique_ptr<agent::AgentClient> agent_;
    std::unique_ptr<local::LocalProvider> local_;
    std::unique_ptr<store::LogFiles> logs_;
    std::unique_ptr<MachineService> machines_;
    std::unique_ptr<StoreDatabaseServers> database_servers_;
    std::unique_ptr<databases::DatabasesProvider> databases_;
    std::unique_ptr<backups::RestoringProvider> restoring_;  // before it
    std::unique_ptr<StoreDatabaseLogins> database_logins_;
    std::unique_ptr<backups::BackupsProvider> backups_;
    std::unique_ptr<dummy::InertProvider> dummy_;  // where a plan names it
    ProviderRegistry registry_;
    std::unique_ptr<ProviderCalls> calls_;
    std::unique_ptr<Broker> broker_;
    std::unique_ptr<LiveEnginesOnOps> live_engines_;
    std::unique_ptr<EngineOperations> engine_operations_;
    std::unique_ptr<ConsolesOnOps> consoles_;
    std::unique_ptr<ConsoleOperations> console_operations_;
    std::unique_ptr<Administration> administration_;
    std::unique_ptr<Clusters> clusters_;
    std::unique_ptr<SharedServers> servers_;
    std::unique_ptr<Rotations> rotations_;
    std::unique_ptr<PoolKeeper> pools_;
    std::unique_ptr<Reconciler> reconciler_;
    std::unique_ptr<Sweeper> sweeper_;
    std::unique_ptr<BackupRetention> retention_;
    std::unique_ptr<RotationKeeper> rotation_keeper_;
    std::unique_ptr<ExpiryKeeper> expiry_keeper_;
    std::shared_ptr<Engine> engine_;
    std::shared_ptr<Background> background_;
    std::shared_ptr<WebhookDelivery> webhooks_;
    std::unique_ptr<faces::FaceContext> faces_;
    std::unique_ptr<http::Server> server_;
    bool has_pools_ = false;
    bool provider_started_ = false;  // on the engine's thread
    bool stopped_ = false;
};

Status Service::Impl::open_state(const std::filesystem::path& path) {
    auto prepared = prepare_state_dir(path);
    if (!prepared) return fail(prepared.error());
    state_dir_ = std::move(*prepared);
    // First the store: its lock keeps everybody else away from the rest of the directory.
    store::SqliteOptions options;
    options.on_batch = [this](std::size_t commits, Duration took) { metrics_.on_batch(commits, took); };
    auto opened = store::SqliteStore::open(state_dir_.store(), steady_clock_, random_, std::move(options));
    if (!opened) return fail(opened.error());
    store_ = std::move(*opened);
    logs_ = std::make_unique<store::LogFiles>(state_dir_.logs(), clock_,
                                              store::LogBounds{.age = config_.broker.log_age});
    auto master = store::load_or_create_master_key(state_dir_.master_key(), random_);
    if (!master) return fail(master.error());
    auto administrator = load_or_create_admin_key(state_dir_.admin_key(), random_);
    if (!administrator) return fail(administrator.error());
    return ops_.run<Status>([&]() -> Task<Status> {
        auto keys = co_await store::KeyRing::load_or_create(std::move(*master), *store_, random_, clock_);
        if (!keys) co_return fail(keys.error());
        keys_ = std::move(*keys);
        auto identity = co_await load_or_create_identity(*store_, clock_, random_);
        if (!identity) co_return fail(identity.error());
        identity_ = std::move(*identity);
        co_return co_await register_administrator(*store_, std::move(*administrator), clock_, random_);
    });
}

Status Service::Impl::make_provider() {
    auto tls = load_database_tls(config_.databases);
    if (!tls) return fail(tls.error());
    database_tls_ = std::make_shared<sql::TlsSource>(std::move(*tls));
    agent_ = std::make_unique<agent::AgentClient>(ops_.executor(), helper_options(config_, state_dir_));
    local_ = std::make_unique<local::LocalProvider>(
        local_options(config_.local, identity_.installation, database_tls_), *agent_, ops_.executor());
    registry_.add(*local_);
    if (Status prepared = prepare_images(state_dir_.images()); !prepared) return prepared;
    machines_ = std::make_unique<MachineService>(
        MachineService::Parts{config_, catalog_, state_dir_, identity_.installation, *agent_, steady_clock_,
                              random_, scheduler_, metrics_, [this] { note_provider_changes(); }});
    machines_->add_to(registry_);
    database_servers_ = std::make_unique<StoreDatabaseServers>(*store_, *keys_);
    databases::DatabasesOptions databases{identity_.installation};
    databases.tls = database_tls_;
    databases_ =
        std::make_unique<databases::DatabasesProvider>(std::move(databases), *database_servers_, ops_.executor());
    make_backups();
    const bool wants_dummy =
        std::ranges::any_of(catalog_.plans(), [](const Plan& plan) { return plan.provider == dummy::kInertName; });
    if (wants_dummy) {
        dummy_ = std::make_unique<dummy::InertProvider>(dummy::InertOptions{config_.dummy.concurrency});
        registry_.add(*dummy_);
        log::warning("main", "plans of provider dummy make nothing");
    }
    calls_ = std::make_unique<ProviderCalls>(registry_, *keys_, identity_.installation,
                                             ProviderCalls::Watch{steady_clock_, metrics_}, logs_.get());
    ops_.run<bool>([this] { return start_provider(kProviderStart); });
    return {};
}

void Service::Impl::make_backups() {
    backups::RestoringOptions restoring;
    restoring.directory = state_dir_.backups();
    restoring.tls = database_tls_;
    restoring_ =
        std::make_unique<backups::RestoringProvider>(std::move(restoring), *databases_, *database_servers_);
    registry_.add(*restoring_);
    database_logins_ = std::make_unique<StoreDatabaseLogins>(*store_, *keys_, *database_servers_);
    backups::BackupsOptions options;
    options.installation = identity_.installation;
    options.directory = state_dir_.backups();
    options.tls = database_tls_;
    backups_ = std::make_unique<backups::BackupsProvider>(std::move(options), *database_logins_);
    registry_.add(*backups_);
}

Task<bool> Service::Impl::start_provider(Duration budget) {
    if (const Status started = co_await local_->start(budget); started) {
        provider_started_ = true;
    } else {
        log::warning("main", "the local provider cannot be used yet",
                     {{"why", started.error().message}, {"detail", started.error().detail}});
    }
    note_provider_changes();
    co_return provider_started_;
}

Task<void> Service::Impl::remove_old_logs() {
    for (;;) {
        if (const auto removed = logs_->remove_old(); !removed) {
            log::warning("main", "old logs of operations cannot be removed",
                         {{"why", removed.error().message}, {"detail", removed.error().detail}});
        }
        co_await scheduler_.sleep(kRemoveLogs);
    }
}

void Service::Impl::note_provider_changes() {
    for (const StatusBoard::Change& change : board_.refresh(registry_, catalog_)) {
        if (change.state) {
            log::info("main", "a provider is available",
                      {{"provider", change.provider},
                       {"kind", std::string(to_string(change.kind))},
                       {"engine", change.engine}});
        } else {
            log::warning("main", "a provider is unavailable: what it makes is refused until that is mended",
                         {{"provider", change.provider},
                          {"kind", std::string(to_string(change.kind))},
                          {"engine", change.engine},
                          {"why", change.state.error().message}});
        }
    }
}

void Service::Impl::make_broker() {
    BrokerOptions options;
    options.host = identity_.host;
    options.name_prefix = config_.broker.name_prefix;
    options.provision_limit = config_.broker.provision_limit;
    options.idempotency_ttl = config_.broker.idempotency_ttl;
    options.rest = config_.broker.rest;
    options.max_resources_per_organization = config_.broker.quota;
    broker_ =
        std::make_unique<Broker>(Broker::Parts{*store_, catalog_, board_, *keys_, steady_clock_, random_}, options);
    AdministrationOptions administration;
    administration.allow_private_webhooks = config_.webhooks.allow_private;
    administration_ = std::make_unique<Administration>(
        Administration::Parts{*store_, catalog_, *keys_, steady_clock_, random_}, administration);
    clusters_ = std::make_unique<Clusters>(Clusters::Parts{*store_, *broker_, steady_clock_, random_});
    servers_ = std::make_unique<SharedServers>(SharedServers::Parts{*store_, *broker_, catalog_, *keys_});
    rotations_ = std::make_unique<Rotations>(
        Rotations::Parts{*store_, *keys_, steady_clock_, random_},
        RotationOptions{config_.harbourmaster.rotation_grace, config_.broker.provision_limit});
}

void Service::Impl::make_engine_operations() {
    live_engines_ = std::make_unique<LiveEnginesOnOps>(ops_.executor());
    live_engines_->add(std::string(local_->name()), *local_);
    engine_operations_ = std::make_unique<EngineOperations>(
        EngineOperations::Parts{*broker_, *store_, steady_clock_, *live_engines_});
    consoles_ = std::make_unique<ConsolesOnOps>(ops_.executor());
    machines_->add_to(*consoles_);
    console_operations_ = std::make_unique<ConsoleOperations>(
        ConsoleOperations::Parts{*broker_, *store_, steady_clock_, scheduler_, *consoles_});
}

void Service::Impl::make_operations() {
    PoolOptions pool;
    pool.host = identity_.host;
    pool.name_prefix = config_.broker.name_prefix;
    pool.provision_limit = config_.broker.provision_limit;
    pools_ = std::make_unique<PoolKeeper>(
        PoolKeeper::Parts{*store_, catalog_, registry_, *keys_, steady_clock_, random_}, pool);
    has_pools_ = std::ranges::any_of(catalog_.plans(), [](const Plan& plan) { return plan.pool > 0; });
    ReconcilerOptions reconciler;
    reconciler.host = identity_.host;
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Parts{*store_, *calls_, steady_clock_, scheduler_, random_}, reconciler);
    sweeper_ = std::make_unique<Sweeper>(Sweeper::Parts{*store_, *calls_, steady_clock_});
    retention_ = std::make_unique<BackupRetention>(BackupRetention::Parts{*store_, steady_clock_, random_},
                                                   RetentionOptions{});
    rotation_keeper_ =
        std::make_unique<RotationKeeper>(RotationKeeper::Parts{*store_, steady_clock_, random_},
                                         RotationKeeperOptions{.time_limit = config_.broker.provision_limit});
    expiry_keeper_ =
        std::make_unique<ExpiryKeeper>(ExpiryKeeper::Parts{*store_, steady_clock_, random_, &metrics_},
                                       ExpiryKeeperOptions{.removal_limit = config_.broker.provision_limit});
    EngineOptions engine;
    engine.host = identity_.host;
    engine.rest = config_.broker.rest;
    // Of the widest provider one organization leaves half to others.
    for (const auto& [name, provider] : registry_.all()) {
        engine.per_organization = std::max(engine.per_organization, provider->concurrency() / 2);
    }
    Engine::Parts parts{*store_, *calls_, steady_clock_, scheduler_, random_, ops_.executor()};
    parts.observer = &metrics_;
    engine_ = Engine::make(std::move(parts), engine);
    BackgroundOptions background;
    background.reconcile_interval = config_.background.reconcile_interval;
    background.sweep_interval = config_.background.sweep_interval;
    background.retention_interval = config_.background.reconcile_interval;
    background.sweep.dry_run = config_.background.sweep_dry_run;
    background.sweep.grace = config_.background.sweep_grace;
    background_ = Background::make({*pools_, *reconciler_, *sweeper_, *rotation_keeper_, *expiry_keeper_, registry_,
                                    steady_clock_, scheduler_, ops_.executor(), retention_.get()},
                                   background);
}

Status Service::Impl::make_webhooks() {
    auto trust = net::Trust::load();
    if (!trust) return fail(trust.error());
    const auto post = [this, send = make_webhook_poster(*trust, config_.webhooks.allow_private)](
                          WebhookPost delivery) -> Task<Result<int>> {
        auto answer = co_await send(std::move(delivery));
        metrics_.on_delivery(answer && *answer >= 200 && *answer < 300);
        co_return answer;
    };
    webhooks_ = WebhookDelivery::make({*store_, *keys_, steady_clock_, scheduler_, random_, ops_.executor(), post,
                                       [](const Event& event) { return json::dump(faces::event_json(event)); }},
                                      {});
    return {};
}

Task<Metrics::Levels> Service::Impl::levels() {
    Metrics::Levels levels = co_await read_store_levels(*store_, catalog_, steady_clock_.now());
    levels.http = server_->stats();
    const auto of_ops = [engine = engine_, machines = machines_.get()]() -> Task<Metrics::OpsLevels> {
        co_return Metrics::OpsLevels{engine->under_way(), machines->boots(), machines->accelerator()};
    };
    levels.ops = co_await boost::asio::co_spawn(ops_.executor(), of_ops, boost::asio::use_awaitable);
    if (const auto certificate = server_->certificate()) levels.certificate_until = certificate->not_after;
    co_return levels;
}

http::Router Service::Impl::routes() {
    faces::FaceOptions options;
    options.anonymous = config_.server.allow_anonymous;
    options.wait_limit = config_.server.wait_limit;
    options.poll_limit = config_.server.wait_limit;
    const bool metrics_open = options.anonymous.contains("metrics");
    faces_ =
        std::make_unique<faces::FaceContext>(faces::FaceContext{*broker_, *administration_, std::move(options)});
    http::Router router;
    faces::add_redis(router, *faces_);
    faces::add_memcached(router, *faces_, *engine_operations_);
    faces::add_harbourmaster(router, *faces_,
                             {*clusters_, *servers_, *rotations_, harbourmaster_options(config_.harbourmaster)});
    faces::add_ec2(router, *faces_, {config_.ec2.engine, config_.ec2.plan});
    faces::NativePorts native = admin_ports({config_, catalog_, state_dir_, board_, *store_, *sweeper_, *webhooks_,
                                             disk_, ops_.executor(), [this] { return machines_->acceleration(); }});
    native.rotations = rotations_.get();
    native.logs = logs_.get();
    native.consoles = console_operations_.get();
    faces::add_native(router, *faces_, std::move(native));
    add_metrics(router, {metrics_, *faces_, [this] { return levels(); }, metrics_open});
    return router;
}

// Any thread.
void Service::Impl::on_commit(const CommitNotice& notice) {
    broker_->on_commit(notice);
    if (notice.work) engine_->wake();
    if (has_pools_ && !notice.resources.empty()) background_->hint_pools();
    if (notice.expiry_due) background_->hint_expiry(*notice.expiry_due);
    if (notice.last_event != 0) webhooks_->hint();
}

Status Service::Impl::listen() {
    store_->listen([this](const CommitNotice& notice) { on_commit(notice); });
    http::ServerOptions options = http_options(config_.server);
    options.observer = [this](const http::RequestSummary& request) { metrics_.on_request(request); };
    server_ = std::make_unique<http::Server>(std::move(options), routes(), clock_, random_);
    return server_->start();
}

Task<void> Service::Impl::tick() {
    for (;;) {
        co_await scheduler_.sleep(kTick);
        broker_->tick();
    }
}

Task<void> Service::Impl::look_at_parts() {
    for (;;) {
        co_await scheduler_.sleep(kLookAtParts);
        const auto answer = co_await store_->setting("installation");
        board_.set_store(answer ? Status() : Status(fail(ErrorCode::storage, "the store cannot be read")));
        if (!answer) log::error("main", "the store cannot be read", {{"error", answer.error().message}});
        if (provider_started_) {
            note_provider_changes();
        } else {
            co_await start_provider(kProviderStart);
        }
    }
}

void Service::Impl::begin_work() {
    namespace asio = boost::asio;
    // Before work is taken up: what waits for machines waits for this, where it has begun.
    machines_->start(ops_.executor());
    // Providers are touched on their own thread only, from the first moment on.
    ops_.run<bool>([this]() -> Task<bool> {
        engine_->start();
        background_->start();
        webhooks_->start();
        co_return true;
    });
    asio::co_spawn(ops_.executor(), [this] { return tick(); }, asio::detached);
    asio::co_spawn(ops_.executor(), [this] { return look_at_parts(); }, asio::detached);
    asio::co_spawn(ops_.executor(), [this] { return remove_old_logs(); }, asio::detached);
}

void Service::Impl::tell_who_may_call() const {
    const std::string named = fmt::format("{}", fmt::join(config_.server.allow_anonymous, ","));
    for (const http::Listener& listener : server_->listeners()) {
        if (listener.loopback) {
            log::warning(
                "main",
                "the redis, memcached and ec2 faces need no key on this address: every program on this machine may "
                "use them",
                {{"listener", listener.address}});
        } else if (!named.empty()) {
            log::warning("main", "faces need no key on this address: everybody who can reach it may use them",
                         {{"listener", listener.address}, {"faces", named}});
        }
    }
}

void Service::Impl::tell_certificate() const {
    const auto certificate = server_->certificate();
    if (!certificate) return;
    const faces::Finding finding = judge_certificate(*certificate, config_.server.tls_cert, clock_.now());
    if (finding.severity == faces::Severity::ok) {
        log::info("main", "every listener speaks https", {{"certificate", finding.message}});
    } else {
        log::warning("main", "something is wrong with the certificate, or soon will be",
                     {{"what", finding.message}, {"fix", finding.fix}});
    }
}

// Servers that run are given it where they are looked at next, which is at once.
void Service::Impl::reload_database_tls() {
    if (config_.databases.tls == sql::TlsMode::off) return;
    auto renewed = load_database_tls(config_.databases);
    if (renewed) {
        if (const Status valid = valid_now(config_.databases, clock_.now()); !valid) renewed = fail(valid.error());
    }
    if (!renewed) {
        log::error("main", "the new certificate of database servers cannot be used, and the former is kept",
                   {{"why", renewed.error().message}});
        return;
    }
    const Status told = ops_.run<Status>([&]() -> Task<Status> {
        database_tls_->renew(std::move(*renewed));
        co_return co_await local_->tell_renewed(kProviderStart);
    });
    log::info("main", "database servers get the certificate as it is now",
              {{"certificate", config_.databases.tls_certificate},
               {"when", told ? "now" : "when they are looked at next"}});
}

void Service::Impl::reload() {
    reload_database_tls();
    if (!server_->certificate()) {
        log::info("main", "there is no certificate to read again: the server speaks plain http");
    } else if (const Status reloaded = server_->reload_tls(); !reloaded) {
        log::error("main", "the new certificate cannot be used, and the former is kept",
                   {{"why", reloaded.error().message}});
    } else {
        log::info("main", "new connections get the certificate as it is now");
        tell_certificate();
    }
}

Status Service::Impl::start(const Settings& settings) {
    ops_.start();
    if (Status opened = open_state(settings.state_dir); !opened) return opened;
    if (Status made = make_provider(); !made) return made;
    make_broker();
    make_engine_operations();
    make_operations();
    if (Status made = make_webhooks(); !made) return made;
    if (Status listening = listen(); !listening) return listening;
    begin_work();
    tell_who_may_call();
    tell_certificate();
    log::info("main", "started",
              {{"version", SLIPWAY_VERSION},
               {"pid", fmt::format("{}", ::getpid())},
               {"state_dir", state_dir_.path.string()},
               {"installation", identity_.installation.str()},
               {"host", identity_.host.str()}});
    return {};
}

// What may wake a coroutine goes before the coroutine, and a coroutine before what it refers to.
void Service::Impl::stop() {
    if (std::exchange(stopped_, true)) return;
    if (console_operations_) console_operations_->end_waits();
    if (server_) server_->drain(config_.server.stop_grace);
    if (engine_) {
        ops_.run<bool>([this]() -> Task<bool> {
            background_->stop();
            webhooks_->stop();
            co_await engine_->stop(kEngineStop);
            co_await machines_->rest(kEngineStop);
            co_return true;
        });
    }
    if (server_) server_->stop(Duration::zero());
    ops_.stop();
    if (store_) store_->listen(nullptr);
    if (broker_) broker_->abandon_waits();
    store_.reset();
    ops_.destroy_work();
    background_.reset();
    webhooks_.reset();
    engine_.reset();
    backups_.reset();
    restoring_.reset();
    databases_.reset();
    machines_.reset();
    local_.reset();
    agent_.reset();
    server_.reset();
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::start(const Settings& settings) {
    auto impl = std::make_unique<Impl>(settings);
    if (Status started = impl->start(settings); !started) return fail(started.error());
    return std::unique_ptr<Service>(new Service(std::move(impl)));
}

std::vector<std::string> Service::addresses() const {
    std::vector<std::string> addresses;
    for (const http::Listener& listener : impl_->listeners()) addresses.push_back(listener.address);
    return addresses;
}

void Service::reload() { impl_->reload(); }
void Service::stop() { impl_->stop(); }

}  // namespace slipway
