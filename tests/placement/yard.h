// One server's insides: the SQLite store, the engine on a thread of its own over two scripted providers, and use
// cases that are called from many threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "base/digest.h"
#include "base/start_test_support.h"
#include "base/temporary_directory_test_support.h"
#include "broker/clusters.h"
#include "broker/database_servers.h"
#include "ops/engine.h"
#include "providers/dummy/dummy_provider.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::placement_test {

using namespace std::chrono_literals;

class PlainSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        return {std::string(context), secret.reveal()};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override {
        if (sealed.key_id != context) return fail(ErrorCode::internal, "sealed for another place");
        return Secret(sealed.ciphertext);
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + '\n' + secret.reveal());
    }
};

class Yard {
  public:
    static constexpr Duration kLimit = 120s;  // of every wait

    // `servers`: what creations of servers do; of databases they succeed.
    explicit Yard(std::uint64_t threshold, dummy::Script servers = {});
    ~Yard();
    Yard(const Yard&) = delete;
    Yard& operator=(const Yard&) = delete;

    // Runs `work(i)` for each i below `count`, spread over threads that all begin at once; answers by i.
    template <class T>
    std::vector<T> at_once(std::size_t count, std::function<Task<T>(std::size_t)> work) {
        constexpr std::size_t kThreads = 8;
        std::vector<std::optional<T>> answers(count);
        std::vector<std::unique_ptr<boost::asio::io_context>> contexts;
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < kThreads; ++thread) {
            auto& context = *contexts.emplace_back(std::make_unique<boost::asio::io_context>(1));
            threads.emplace_back([&, thread] {
                for (std::size_t i = thread; i < count; i += kThreads) start(context, into(answers[i], work(i)));
                context.run_for(kLimit);
            });
        }
        threads.clear();
        broker().abandon_waits();  // of those that waited too long, before their executors go
        std::vector<T> all;
        for (auto& each : answers) all.push_back(std::move(each).value());
        return all;
    }
    template <class T>
    T run(Task<T> task) {
        boost::asio::io_context context{1};
        std::optional<T> answer;
        start(context, into(answer, std::move(task)));
        context.run_for(kLimit);
        return std::move(answer).value();
    }

    // Asks for a database and waits for its end, as often as that, all at once. The databases as they then are.
    std::vector<Resource> databases(std::size_t count);
    void remove(const std::vector<ResourceId>& all);
    std::vector<HostLoad> loads();
    std::vector<Resource> servers();  // gone ones too

    Store& store() { return *store_; }
    Broker& broker() { return *broker_; }
    Clusters& clusters() { return *clusters_; }
    SharedServers& shared() { return *shared_; }
    static CallContext tenant() { return {{OrganizationId("acme"), Role::user, "key_1"}, "req-1"}; }
    static CallContext administrator() { return {{OrganizationId("acme"), Role::administrator, "key_2"}, "req-2"}; }
    static ProvisionRequest database();

  private:
    Task<Result<Resource>> make_database();
    Task<Result<Operation>> remove_one(ResourceId id);

    TemporaryDirectory directory_;
    SystemClock clock_;
    SystemRandom random_;
    PlainSealer sealer_;
    Catalog catalog_;
    dummy::World world_;
    AsioScheduler scheduler_;
    dummy::DummyProvider servers_;
    dummy::DummyProvider databases_;
    ProviderRegistry registry_;
    ProviderCalls calls_;
    boost::asio::io_context context_{1};
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<Broker> broker_;
    std::unique_ptr<Clusters> clusters_;
    std::unique_ptr<SharedServers> shared_;
    std::shared_ptr<Engine> engine_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread thread_;
};

}  // namespace slipway::placement_test
