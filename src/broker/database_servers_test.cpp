#include "broker/database_servers.h"

#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

class SharedServersTest : public PlacedTest {
  protected:
    SharedServersTest() { make(); }
    void make() {
        shared_ = std::make_unique<SharedServers>(SharedServers::Parts{store_, *broker_, catalog_, sealer_});
    }
    static ServerRequest wish(std::string name = "mine", std::string key = "") {
        ServerRequest request;
        request.face = "harbourmaster";
        request.engine = "postgres";
        request.plan = "small";
        request.name = std::move(name);
        request.idempotency_key = std::move(key);
        return request;
    }
    Result<ServerAnswer> ensure(ServerRequest request = wish(), CallContext as = administrator()) {
        clock_.advance(1s);
        return run(shared_->ensure(std::move(as), std::move(request)));
    }
    std::string current() { return run(shared_->current(administrator(), "postgres"))->server.name; }
    void fill(int count) {
        for (int i = 0; i < count; ++i) (void)placed();
    }

    std::unique_ptr<SharedServers> shared_;
};

TEST_F(SharedServersTest, AreForAdministratorsOnly) {
    const Resource server = ensure()->server;
    for (const Role role : {Role::user, Role::reader}) {
        const auto as = [&] { return caller("acme", role); };
        EXPECT_EQ(code_of(ensure(wish("other"), as())), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->current(as(), "postgres"))), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->find(as(), "mine"))), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->list(as(), {}))), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->remove(as(), "mine"))), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->password(as(), server))), ErrorCode::forbidden);
        EXPECT_EQ(code_of(run(shared_->serves(as(), server))), ErrorCode::forbidden);
    }
}

TEST_F(SharedServersTest, TheFirstIsMadeAndIsTheCurrentOneUntilItIsFull) {
    EXPECT_EQ(code_of(run(shared_->current(administrator(), "postgres"))), ErrorCode::not_found);
    ServerRequest wanted = wish();
    wanted.parameters = {{"user", "eyk-central"}};
    const auto made = ensure(wanted);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(made->created);
    ASSERT_TRUE(made->operation);
    EXPECT_EQ(made->server.parameters.at("user"), "eyk-central");
    EXPECT_EQ(made->server.billing_code, "shared");
    EXPECT_EQ(current(), "mine");
    fill(1);
    EXPECT_FALSE(ensure(wish("next"))->created) << "one database: not more than the threshold";
    EXPECT_EQ(ensure(wish("next"))->server.id, made->server.id);
    fill(1);
    EXPECT_EQ(run(shared_->serves(administrator(), made->server)), 2U);
    const auto next = ensure(wish("next"));
    EXPECT_TRUE(next->created);
    EXPECT_EQ(current(), "next");
    EXPECT_EQ(server_of(placed().resource), "next");
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 1}));
}

TEST_F(SharedServersTest, TheNamedOneIsComparedAndWhoIsLateIsToldOfTheNextOne) {
    ServerRequest wanted = wish("next");
    wanted.current_name = "mine";
    EXPECT_EQ(code_of(ensure(wanted)), ErrorCode::not_found);
    (void)ensure();
    EXPECT_EQ(ensure(wanted)->server.name, "mine");
    fill(2);
    EXPECT_TRUE(ensure(wanted)->created);
    wanted.name = "third";
    const auto late = ensure(wanted);
    EXPECT_FALSE(late->created) << "somebody else had the next one made";
    EXPECT_EQ(late->server.name, "next");
    wanted.engine = "mysql";
    EXPECT_EQ(code_of(ensure(wanted)), ErrorCode::not_found) << "of another engine";
}

TEST_F(SharedServersTest, OfTwoThatAskAtOnceOneMakesIt) {
    Result<ServerAnswer> other;
    store_.before_commit = [&]() -> Task<void> {
        other = co_await shared_->ensure(administrator(), wish("other"));
    };
    const auto late = ensure();
    ASSERT_TRUE(late && other);
    EXPECT_TRUE(other->created);
    EXPECT_FALSE(late->created);
    EXPECT_EQ(late->server.name, "other");
    EXPECT_EQ(servers(), 1U);
}

TEST_F(SharedServersTest, ANameIsNeededCheckedAndFree) {
    for (const char* bad : {"", "Mine", "mine-"}) {
        const auto refused = ensure(wish(bad));
        ASSERT_EQ(code_of(refused), ErrorCode::invalid_argument) << bad;
        EXPECT_EQ(refused.error().problems[0].field, "name");
    }
    ServerRequest unknown = wish();
    unknown.plan = "huge";
    EXPECT_EQ(ensure(unknown).error().problems[0].field, "plan");
    (void)ensure();
    fill(2);
    const auto taken = ensure(wish("mine"));
    EXPECT_EQ(code_of(taken), ErrorCode::conflict);
    EXPECT_EQ(taken.error().problems[0].field, "name");
    EXPECT_EQ(servers(), 1U);
}

TEST_F(SharedServersTest, ARepeatedKeyBringsBackWhatItMade) {
    (void)ensure();
    fill(2);
    const auto made = ensure(wish("next", "k1"));
    fill(2);
    const auto again = ensure(wish("next", "k1"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->created);
    EXPECT_EQ(again->server.id, made->server.id);
    EXPECT_EQ(code_of(ensure(wish("another", "k1"))), ErrorCode::idempotency_reuse);
    EXPECT_EQ(servers(), 2U);
}

TEST_F(SharedServersTest, OneThatFailedIsNotTheCurrentOneAnyMore) {
    const auto first = ensure();
    ASSERT_TRUE(run(broker_->cancel(administrator(), first->operation->id, "no")));
    EXPECT_EQ(code_of(run(shared_->current(administrator(), "postgres"))), ErrorCode::not_found);
    EXPECT_EQ(state_name(run(shared_->find(administrator(), "mine"))->server.state), "failed");
    EXPECT_TRUE(ensure(wish("next"))->created);
    EXPECT_EQ(current(), "next");
    ServerRequest wanted = wish("third");
    wanted.current_name = "mine";
    EXPECT_EQ(ensure(wanted)->server.name, "next");
}

TEST_F(SharedServersTest, AreListedAndRemovedByName) {
    (void)ensure();
    fill(3);
    work();
    auto page = run(shared_->list(administrator(), {"", 10}));
    ASSERT_EQ(page->items.size(), 2U);
    EXPECT_EQ(page->items[1].name, "hephy-instance-0000001");
    EXPECT_EQ(code_of(run(shared_->remove(administrator(), "mine"))), ErrorCode::conflict);
    EXPECT_EQ(code_of(run(shared_->remove(administrator(), "nothing"))), ErrorCode::not_found);
    for (const Resource& each : memory_.snapshot().resources({}, {"", 100}).items) {
        if (each.kind == Kind::database) ASSERT_TRUE(run(broker_->deprovision(caller(), each.id)));
    }
    work();
    EXPECT_EQ(current(), "hephy-instance-0000001");
    ASSERT_TRUE(run(shared_->remove(administrator(), "hephy-instance-0000001")));
    EXPECT_EQ(current(), "mine") << "the youngest that remains";
    const auto removing = run(shared_->remove(administrator(), "mine"));
    ASSERT_TRUE(removing && removing->operation);
    EXPECT_EQ(code_of(run(shared_->current(administrator(), "postgres"))), ErrorCode::not_found);
    work();
    EXPECT_EQ(code_of(run(shared_->find(administrator(), "mine"))), ErrorCode::not_found) << "it is gone";
    EXPECT_TRUE(run(shared_->list(administrator(), {"", 10}))->items.empty());
    fill(1);
    EXPECT_EQ(current(), "hephy-instance-0000002") << "a name is given once";
}

TEST_F(SharedServersTest, TheMasterPasswordIsShownToAdministratorsAndNobodyElsesIs) {
    const Resource server = ensure()->server;
    const auto shown = run(shared_->password(administrator(), server));
    ASSERT_TRUE(shown && *shown);
    EXPECT_EQ((*shown)->reveal(), password_of(server));
    const Resource database = placed().resource;
    EXPECT_EQ(code_of(run(shared_->password(administrator(), database))), ErrorCode::not_found);
}

}  // namespace
}  // namespace slipway::broker_test
