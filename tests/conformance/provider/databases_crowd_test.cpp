// A server that has too much to do, or does nothing any more, keeps nobody busy who could work elsewhere.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

#include "databases_fixture.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;

// Accepts connections and says nothing, as a server does whose processes are stopped.
class SilentServer {
  public:
    explicit SilentServer(boost::asio::io_context& io)
        : acceptor_(io, {boost::asio::ip::make_address("127.0.0.1"), 0}) {}
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  private:
    boost::asio::ip::tcp::acceptor acceptor_;
};

TEST_P(Databases, AtAServerThatHangsOnlySoManyWaitAndTheRestIsToldToComeAgain) {
    SilentServer silent(subject_.io());
    ServerAccess hung = subject_.server().access();
    hung.server = ResourceId("res_server_hung");
    hung.port = silent.port();
    subject_.servers().servers.push_back(hung);
    databases::DatabasesOptions options;
    options.installation = InstallationId("ins_conformance");
    options.per_server = 2;
    databases::DatabasesProvider provider(options, subject_.servers(), subject_.io().get_executor());
    Spec there = subject_.spec();
    there.placed_on = hung.server;
    std::vector<ProviderAnswer> late;
    for (const char* name : {"stuck-1", "stuck-2"}) {
        boost::asio::co_spawn(
            subject_.io(), provider.create(target_of(name), there, 3s),
            [&](std::exception_ptr, ProviderAnswer answer) { late.push_back(std::move(answer)); });
    }
    subject_.io().restart();
    subject_.io().poll();
    ASSERT_TRUE(late.empty());
    for (const auto& [verb, presence] :
         {std::pair(Verb::observe, Presence::pending), std::pair(Verb::create, Presence::pending),
          std::pair(Verb::update, Presence::pending), std::pair(Verb::remove, Presence::deleting)}) {
        const auto ask = [&] {
            switch (verb) {
                case Verb::observe: return provider.observe(target_of("third"), there, 3s);
                case Verb::create: return provider.create(target_of("third"), there, 3s);
                case Verb::update: return provider.update(target_of("third"), there, 3s);
                case Verb::remove: return provider.remove(target_of("third"), there, 3s);
            }
            return provider.observe(target_of("third"), there, 3s);
        };
        const ProviderAnswer answer = subject_.run(ask());
        EXPECT_TRUE(is(answer, presence)) << to_string(verb);
        EXPECT_GT(answer->look_again, Duration::zero());
    }
    EXPECT_TRUE(late.empty()) << "nobody waited for those who wait";
    EXPECT_TRUE(
        is(subject_.run(provider.create(target_of("beside"), subject_.spec(), kBudget)), Presence::running));
    spec("beside");
    EXPECT_TRUE(eventually([&] {
        subject_.io().restart();
        subject_.io().poll();
        return late.size() == 2;
    }));
    for (const ProviderAnswer& each : late) EXPECT_TRUE(fails(each, ErrorClass::transient));
    subject_.servers().servers.pop_back();
    subject_.servers().servers = {subject_.server().access()};
}

}  // namespace
}  // namespace slipway::testing
