// A whole broker over a store in memory, with a worker that makes nothing real, behind routers that are asked in
// process. Time stands still but where a request waits for it.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/address.h"
#include "base/digest.h"
#include "base/start_test_support.h"
#include "broker/administration.h"
#include "broker/engine_operations.h"
#include "broker/key_test_support.h"
#include "domain/stepping.h"
#include "faces/answer_recorder_test_support.h"
#include "faces/ec2/ec2_face.h"
#include "faces/harbourmaster/harbourmaster_face.h"
#include "faces/native/native_face.h"
#include "faces/redis/memcached_face.h"
#include "faces/redis/redis_face.h"
#include "http/request_access.h"
#include "store/memory/memory_store.h"

namespace slipway::faces::test {

using http::Method;

// What a client of the Redis API asks for.
inline const std::string kSmall = R"({"plan":"small","billingcode":"gwp"})";

// Reversible, and bound to its context: what is sealed for one place does not open in another.
class HexSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        std::string hex;
        for (const char c : secret.reveal()) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
        return {std::string(context), std::move(hex)};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override {
        if (sealed.key_id != context) return fail(ErrorCode::internal, "sealed for another place");
        std::string text;
        for (std::size_t i = 0; i + 1 < sealed.ciphertext.size(); i += 2) {
            text += static_cast<char>(std::stoi(sealed.ciphertext.substr(i, 2), nullptr, 16));
        }
        return Secret(std::move(text));
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + '\n' + secret.reveal());
    }
};

class Directory final : public ProviderDirectory {
  public:
    bool available = true;
    [[nodiscard]] Result<ProviderTraits> traits(std::string_view provider, Kind kind,
                                                std::string_view /*engine*/) const override {
        if (!available) return fail(ErrorCode::unavailable, "redis-server is not installed; run scripts/setup");
        ProviderTraits traits;
        traits.provider = provider;
        if (kind == Kind::database || kind == Kind::backup) return traits;
        if (kind == Kind::machine) {
            traits.ranges.push_back({"dummy/address", "address", 0x0a4d0002, 0x0a4d00fe});
            return traits;
        }
        traits.ranges.push_back({"local/port", "port", 20'000, 20'999});
        return traits;
    }
};

// Runs operations as the engine does, in one go each, against a provider that the test scripts.
class Worker {
  public:
    Worker(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

    bool paused = false;  // a provider that never gets to it
    std::optional<ProviderError> create_error = {};
    std::optional<ProviderError> update_error = {};
    std::optional<ProviderError> remove_error = {};
    // Something that is out there already.
    void put(const std::string& external_name) { there_.insert(external_name); }

    // Everything that is due now.
    Task<void> work() {
        while (!paused) {
            LeaseRequest request;
            request.duration = std::chrono::seconds(30);
            request.capacity = {{"local", 64}, {"databases", 64}, {"backups", 64}, {"dummy", 64}};
            auto leased = co_await store_.lease(std::move(request));
            if (!leased || leased->work.empty()) co_return;
            for (LeasedWork& work : leased->work) co_await run(std::move(work));
        }
    }

  private:
    static constexpr std::uint16_t kSharedPort = 5432;  // of what has no port of its own

    ProviderAnswer answer(Verb verb, const Resource& resource) {
        Observation seen;
        switch (verb) {
            case Verb::create:
                if (create_error) return std::unexpected(*create_error);
                there_.insert(resource.external_name);
                break;
            case Verb::remove:
                if (remove_error) return std::unexpected(*remove_error);
                there_.erase(resource.external_name);
                break;
            case Verb::update:
                if (update_error) return std::unexpected(*update_error);
                break;
            case Verb::observe: break;
        }
        seen.request_id = "provider-request-7";
        if (!there_.contains(resource.external_name)) return seen;
        seen.presence = Presence::running;
        if (resource.kind == Kind::backup) return seen;
        if (resource.kind == Kind::machine) {
            seen.endpoint = Endpoint{"ssh", ipv4_text(resource.allocations.at("address")), 22};
            return seen;
        }
        const auto port = resource.allocations.find("port");
        seen.endpoint =
            Endpoint{resource.engine, resource.external_name + ".localhost",
                     port == resource.allocations.end() ? kSharedPort : static_cast<std::uint16_t>(port->second)};
        return seen;
    }

    Task<void> run(LeasedWork work) {
        OperationChange change = operation_event::Began{work.fresh};
        for (;;) {
            const TimePoint now = clock_.now();
            auto stepped = step(work.operation, {now, change}, RetryPolicy{});
            if (!stepped) co_return;
            Commit commit;
            const OperationId id = work.operation.id;
            Applied applied = apply_effects(std::move(stepped->effects), now, work.resource, commit.events);
            attribute(commit.events, work.operation);
            if (stepped->persist) {
                if (applied.resource_changed) commit.writes.emplace_back(write::PutResource{work.resource});
                commit.writes.emplace_back(
                    write::PutOperation{std::move(stepped->operation), work.operation.fence});
                if (applied.release_follower) commit.writes.emplace_back(write::Unblock{id});
                if (applied.release_allocations) {
                    commit.writes.emplace_back(write::ReleaseAllocations{work.resource.id, now});
                }
                const auto written = co_await store_.commit(std::move(commit));
                if (!written || !std::holds_alternative<Committed>(*written)) co_return;
                const auto& committed = std::get<Committed>(*written);
                work.operation = committed.operations.at(0);
                if (!committed.resources.empty()) work.resource = committed.resources[0];
            } else {
                work.operation = std::move(stepped->operation);
            }
            if (!applied.call) co_return;
            change = operation_event::Answered{*applied.call, answer(*applied.call, work.resource), 0.5};
        }
    }

    Store& store_;
    const Clock& clock_;
    std::set<std::string> there_;
};

// Running engines that answer what the test says.
class Engines final : public LiveEngines {
  public:
    std::vector<Statistic> figures{{"pid", "17"}, {"version", "1.6.18"}};
    std::optional<Error> error = {};
    std::vector<std::string> asked = {};  // the names of those that were asked for figures
    std::vector<std::string> flushed = {};

    Task<Result<std::vector<Statistic>>> statistics(Resource resource, Duration /*budget*/) override {
        if (error) co_return fail(*error);
        asked.push_back(resource.external_name);
        co_return figures;
    }
    Task<Status> flush(Resource resource, Duration /*budget*/) override {
        if (error) co_return fail(*error);
        flushed.push_back(resource.external_name);
        co_return Status();
    }
};

struct Reply {
    int status = 0;
    std::string body;
    std::string content_type;
    std::multimap<std::string, std::string> headers;
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
    [[nodiscard]] json::object json() const {
        auto parsed = json::parse(body);
        EXPECT_TRUE(parsed && parsed->is_object()) << body;
        return parsed && parsed->is_object() ? parsed->get_object() : json::object();
    }
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// Rows of the store: what a refused request must leave as it was.
struct Counts {
    std::size_t resources = 0;
    std::size_t operations = 0;
    std::size_t events = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Counts& in) {
        return out << in.resources << " resources, " << in.operations << " operations, " << in.events << " events";
    }
};

inline Catalog test_catalog() {
    const auto plan = [](std::string name, std::string title, bool password) {
        Plan made;
        made.engine = "redis";
        made.name = std::move(name);
        made.title = std::move(title);
        made.provider = "local";
        made.password = password;
        made.price = Price{"EUR", 12'000};
        return made;
    };
    Plan as_in_the_document = plan("seed", "As in the document", false);
    as_in_the_document.parameters = {
        {"node_type", "cache.t2.micro"},
        {"engine_version", "2.8.24"},
        {"parameter_group", "redis-28-small"},
        {"subnet_group", "redis-subnet-group"},
        {"availability_zone", "us-west-2b"},
        {"maintenance_window", "sun:11:30-sun:12:30"},
        {"auto_minor_version_upgrade", true},
        {"client_download_page", "https://console.aws.amazon.com/elasticache/home#client-download:"},
        {"security_groups", json::array{"sg-e3013b84"}}};
    return Catalog({plan("small", "Small", true), plan("medium", "Medium", true), plan("large", "Large", true),
                    plan("open", "Without a password", false), std::move(as_in_the_document)});
}

// `real`: the machine's clock and randomness, for tests with threads.
class World {
  public:
    explicit World(bool real = false, Catalog plans = test_catalog())
        : random_(real ? std::unique_ptr<Random>(std::make_unique<SystemRandom>())
                       : std::make_unique<SeededRandom>(7)),
          real_(real),
          catalog(std::move(plans)),
          store(real ? static_cast<const Clock&>(system_) : manual),
          broker({store, catalog, directory, sealer, clock(), *random_}, BrokerOptions()),
          administration({store, catalog, sealer, clock(), *random_}, AdministrationOptions()),
          worker(store, clock()) {
        store.listen([this](const CommitNotice& notice) { broker.on_commit(notice); });
    }
    ~World() { store.listen(nullptr); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] const Clock& clock() const { return real_ ? static_cast<const Clock&>(system_) : manual; }

    http::Router& router() {
        if (!built_) {
            add_redis(router_, context);
            add_memcached(router_, context, engine_operations);
            add_harbourmaster(router_, context, {clusters, servers, rotations, harbourmaster});
            add_ec2(router_, context, ec2);
            ports.rotations = &rotations;
            add_native(router_, context, ports);
            built_ = true;
            const Status good = router_.check();
            EXPECT_TRUE(good) << (good ? "" : good.error().message);
        }
        return router_;
    }

    // Every plan for memcached too. Before the first request.
    void offer_memcached() {
        std::vector<Plan> plans = catalog.plans();
        for (const Plan& plan : catalog.plans()) {
            plans.push_back(plan);
            plans.back().engine = "memcached";
            plans.back().password = false;
        }
        catalog = Catalog(std::move(plans));
    }

    // As the server does it: match, filter, handler. What it answers is kept for tests/api/check.py.
    Reply ask(Method method, std::string_view target, std::string body = {}, const Fields& fields = {}) {
        auto request = http::make_request(method, target, body);
        if (!request) return Reply{400, request.error().message, {}, {}};
        const auto match = router().match(method, http::RequestAccess::target(*request));
        if (match.route == nullptr) return Reply{match.allow.empty() ? 404 : 405, {}, {}, {}};
        const http::Response response = run(prepared_answer(*request, *match.route, fields));
        Reply reply{response.status, {}, response.content_type, {}};
        for (const auto& [name, value] : response.headers) reply.headers.emplace(name, value);
        if (const auto* text = std::get_if<std::string>(&response.body)) reply.body = *text;
        record({std::string(http::to_string(method)), std::string(target), std::move(body), reply.status,
                reply.content_type, reply.headers, reply.body});
        return reply;
    }
    // The answer itself, for what is more than a text.
    http::Response raw(Method method, std::string_view target, const Fields& fields = {}) {
        auto request = http::make_request(method, target);
        EXPECT_TRUE(request) << target;
        const auto match = router().match(method, http::RequestAccess::target(*request));
        EXPECT_NE(match.route, nullptr) << target;
        http::Response response = run(prepared_answer(*request, *match.route, fields));
        std::multimap<std::string, std::string> headers(response.headers.begin(), response.headers.end());
        record({std::string(http::to_string(method)),
                std::string(target),
                {},
                response.status,
                response.content_type,
                std::move(headers),
                {}});
        return response;
    }
    // Runs beside everything else until it ends by itself.
    void spawn(Task<void> task) { boost::asio::co_spawn(io_, std::move(task), boost::asio::detached); }
    // Time passes, and everything that can happen happens.
    void pass(Duration time) {
        manual.advance(time);
        broker.tick();
        settle();
    }

    // Runs a coroutine to its end, with the worker beside it; time passes only when nothing else can happen.
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        start(io_, into(result, std::move(task)));
        for (int turns = 0; !result && turns < 10'000; ++turns) {
            settle();
            if (result) break;
            manual.advance(std::chrono::milliseconds(100));
            broker.tick();
        }
        EXPECT_TRUE(result) << "it never ended";
        return std::move(result.value());
    }

    // Lets the worker do all it can do now.
    void settle() {
        boost::asio::co_spawn(io_, worker.work(), boost::asio::detached);
        io_.restart();
        io_.poll();
    }

    std::string key(const std::string& organization, Role role) {
        const auto made = run(broker_test::put_key(store, clock(), *random_, OrganizationId(organization), role));
        EXPECT_TRUE(made);
        return made ? made->reveal() : "";
    }
    static Fields bearer(const std::string& key) { return {{"Authorization", "Bearer " + key}}; }

    [[nodiscard]] Counts counts() const {
        Counts counts;
        const auto state = store.snapshot();
        state.for_each_resource([&](const Resource&) { ++counts.resources; });
        state.for_each_operation([&](const Operation&) { ++counts.operations; });
        counts.events = state.last_event();
        return counts;
    }

    // A ready instance; its URL.
    std::string make(const std::string& plan = "small", const Fields& fields = {},
                     const std::string& billing = "gwp") {
        const Reply made = ask(Method::post, "/v1/redis/instance",
                               fmt::format(R"({{"plan":"{}","billingcode":"{}"}})", plan, billing), fields);
        EXPECT_EQ(made.status, 200) << made.body;
        return json::get_string(made.json(), "REDIS_URL");
    }
    // The name as the real client finds it.
    static std::string name_in(const std::string& url) {
        const std::string rest = url.substr(url.rfind('@') == std::string::npos ? 8 : url.rfind('@') + 1);
        return rest.substr(0, rest.find('.'));
    }

    ManualClock manual{TimePoint(std::chrono::sys_days(std::chrono::year(2016) / 5 / 20)) +
                       std::chrono::milliseconds(16'083'758)};

  private:
    SystemClock system_;
    std::unique_ptr<Random> random_;
    bool real_;
    Task<http::Response> prepared_answer(http::Request& request, const http::Route& route, Fields fields) {
        request.request_id = "test";
        request.loopback_listener = loopback;
        for (const auto& [name, value] : fields) request.headers.add(name, value);
        http::RequestAccess::bind(request, route);
        co_return co_await answer(request, route);
    }
    Task<http::Response> answer(http::Request& request, const http::Route& route) {
        if (const http::Filter* filter = router_.filter_for(request.path())) {
            if (auto early = co_await (*filter)(request)) co_return std::move(*early);
        }
        co_return co_await route.handler(request);
    }

  public:
    Catalog catalog;
    Directory directory;
    HexSealer sealer;
    store::MemoryStore store;
    Broker broker;
    Administration administration;
    Worker worker;
    Engines engines;
    EngineOperations engine_operations{{broker, store, clock(), engines}};
    Clusters clusters{{store, broker, clock(), *random_}};
    SharedServers servers{{store, broker, catalog, sealer}};
    Rotations rotations{{store, sealer, clock(), *random_}};
    HarbourMasterOptions harbourmaster;  // set before the first request
    Ec2Options ec2;                      // likewise
    FaceContext context{broker, administration};
    NativePorts ports;  // set before the first request
    bool loopback = true;

  private:
    boost::asio::io_context io_;
    http::Router router_;
    bool built_ = false;
};

}  // namespace slipway::faces::test
