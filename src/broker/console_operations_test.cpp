// The consoles of machines: who may read and type, what is on record, and how long is waited.
#include "broker/console_operations.h"

#include "broker/broker_test_support.h"
#include "broker/console_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class ConsoleOperationsTest : public BrokerTest {
  protected:
    ConsoleOperationsTest() {
        Plan tiny = plan("tiny", 0, false);
        tiny.kind = Kind::machine;
        tiny.engine = "vm";
        catalog_ = Catalog({plan("small"), tiny});
        directory_.traits_.ranges = {{"dummy/address", "address", 0x0a4d0002, 0x0a4d00fe}};
        consoles_.printed = "booting\nlogin: ";
    }
    Resource machine() {
        ProvisionRequest wanted = request("", "tiny");
        wanted.kind = Kind::machine;
        wanted.engine = "vm";
        wanted.name = "web1";
        wanted.username = "suitepad";
        wanted.password = Secret("open sesame");
        return provision(std::move(wanted)).resource;
    }
    Result<ConsoleOutput> read(const Resource& of, CallContext as = caller(), ConsoleFrom from = {},
                               Duration wait = {}) {
        return run(operations_.read(std::move(as), of.id, std::move(from), wait));
    }
    Status type(const Resource& at, std::string text, CallContext as = caller()) {
        return run(operations_.type(std::move(as), at.id, Secret(std::move(text))));
    }
    static std::string code_of(const auto& result) {
        return result ? "fine" : std::string(to_string(result.error().code));
    }
    // Who began to type, by the record.
    std::vector<std::string> opened() {
        std::vector<std::string> actors;
        for (const Event& event : memory_.snapshot().events(0, std::nullopt, 1000)) {
            if (event.body.type == "resource.console_opened") actors.push_back(event.body.actor);
        }
        return actors;
    }

    ScriptedConsoles consoles_;
    ManualScheduler scheduler_{clock_};
    ConsoleOperations operations_{{*broker_, store_, clock_, scheduler_, consoles_}, 2};
};

TEST_F(ConsoleOperationsTest, OwnersAndAdministratorsReadAndTypeAndNobodyElse) {
    const Resource web1 = machine();
    for (const CallContext& who : {caller(), caller("operators", Role::administrator)}) {
        const auto seen = read(web1, who);
        ASSERT_TRUE(seen) << seen.error().message;
        EXPECT_EQ(seen->bytes, "booting\nlogin: ");
        EXPECT_TRUE(type(web1, "root\r", who));
    }
    EXPECT_THAT(consoles_.typed, ElementsAre(web1.external_name + ": root\r", web1.external_name + ": root\r"));
    consoles_.typed.clear();
    const std::size_t reads = consoles_.reads;
    EXPECT_EQ(code_of(read(web1, caller("acme", Role::reader))), "forbidden") << "a password may stand there";
    EXPECT_EQ(code_of(type(web1, "x", caller("acme", Role::reader))), "forbidden");
    EXPECT_EQ(code_of(read(web1, caller("other"))), "not_found");
    EXPECT_EQ(code_of(type(web1, "x", caller("other"))), "not_found");
    EXPECT_EQ(consoles_.reads, reads);
    EXPECT_TRUE(consoles_.typed.empty());
}

// Where the first login does not work it is needed most.
TEST_F(ConsoleOperationsTest, OneThatIsOnlyBeingMadeHasAConsoleAndOneThatIsGoneNone) {
    const Resource web1 = machine();
    EXPECT_EQ(state_of(web1.id), "requested");
    EXPECT_TRUE(read(web1));
    work();
    EXPECT_EQ(state_of(web1.id), "ready");
    EXPECT_TRUE(read(web1));
    ASSERT_TRUE(run(broker_->deprovision(caller(), web1.id)));
    EXPECT_TRUE(read(web1));
    work();
    EXPECT_EQ(state_of(web1.id), "gone");
    EXPECT_EQ(code_of(read(web1)), "not_found");
    EXPECT_EQ(code_of(type(web1, "x")), "not_found");
}

TEST_F(ConsoleOperationsTest, OnlyMachinesHaveOne) {
    directory_.traits_.ranges = {{"local/port", "port", 20'000, 20'009}};
    const Resource cache = ready();
    EXPECT_EQ(code_of(read(cache)), "conflict");
    EXPECT_EQ(code_of(type(cache, "x")), "conflict");
    EXPECT_EQ(consoles_.reads, 0U);
    EXPECT_TRUE(opened().empty());
}

TEST_F(ConsoleOperationsTest, WhatIsTypedIsBoundedAndMoreThanNothing) {
    const Resource web1 = machine();
    EXPECT_EQ(code_of(type(web1, "")), "invalid_argument");
    EXPECT_TRUE(type(web1, std::string(kMostTyped, 'x')));
    const Status long_one = type(web1, std::string(kMostTyped + 1, 'x'));
    EXPECT_EQ(code_of(long_one), "too_large");
    EXPECT_THAT(long_one.error().message, Not(HasSubstr("xx")));
}

TEST_F(ConsoleOperationsTest, WhoBeginsToTypeIsOnRecordAndNeverWhatIsTyped) {
    const Resource web1 = machine();
    ASSERT_TRUE(type(web1, "hunter2!\r"));
    ASSERT_TRUE(type(web1, "hunter2!\r"));
    EXPECT_THAT(opened(), ElementsAre("key_acme"));
    clock_.advance(9min);
    ASSERT_TRUE(type(web1, "hunter2!\r"));
    clock_.advance(9min);
    ASSERT_TRUE(type(web1, "hunter2!\r"));
    EXPECT_THAT(opened(), SizeIs(1)) << "that one never was away";
    ASSERT_TRUE(type(web1, "hunter2!\r", caller("operators", Role::administrator)));
    EXPECT_THAT(opened(), ElementsAre("key_acme", "key_operators"));
    clock_.advance(11min);
    ASSERT_TRUE(type(web1, "hunter2!\r"));
    EXPECT_THAT(opened(), SizeIs(3));
    for (const Event& event : memory_.snapshot().events(0, std::nullopt, 1000)) {
        EXPECT_THAT(event.body.message + json::dump(event.body.data), Not(HasSubstr("hunter2")));
    }
}

TEST_F(ConsoleOperationsTest, WhoCannotBePutOnRecordTypesNothing) {
    const Resource web1 = machine();
    store_.fail_commits = 1;
    EXPECT_EQ(code_of(type(web1, "x")), "storage");
    EXPECT_TRUE(consoles_.typed.empty());
    EXPECT_TRUE(opened().empty());
    ASSERT_TRUE(type(web1, "x"));
    EXPECT_THAT(opened(), ElementsAre("key_acme")) << "who was not put on record is when that works again";
}

TEST_F(ConsoleOperationsTest, MoreIsWaitedForAsLongAsAsked) {
    const Resource web1 = machine();
    const std::string end = read(web1)->next;
    const TimePoint before = clock_.now();
    const auto none = read(web1, caller(), {end, 0}, 20s);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->bytes, "");
    EXPECT_EQ(none->next, end);
    EXPECT_EQ(clock_.now() - before, 20s);
    EXPECT_LT(consoles_.reads, 200U) << "the helper has other things to do";
    consoles_.before_read = [this, times = 0]() mutable {
        if (++times == 5) consoles_.printed += "$ ";
    };
    const auto some = read(web1, caller(), {end, 0}, 20s);
    ASSERT_TRUE(some);
    EXPECT_EQ(some->bytes, "$ ");
    EXPECT_LT(clock_.now() - before, 21s) << "it is answered as soon as it is there";
}

TEST_F(ConsoleOperationsTest, WhileSomebodyTypesTheEchoIsLookedForMoreOften) {
    const Resource web1 = machine();
    const std::string end = read(web1)->next;
    ASSERT_TRUE(read(web1, caller(), {end, 0}, 2s));
    const std::size_t calm = scheduler_.slept.size();
    scheduler_.slept.clear();
    ASSERT_TRUE(type(web1, "x"));
    ASSERT_TRUE(read(web1, caller(), {end, 0}, 2s));
    EXPECT_GT(scheduler_.slept.size(), 4 * calm);
}

TEST_F(ConsoleOperationsTest, PartsAreJoinedUpToABoundAndAGapIsTold) {
    const Resource web1 = machine();
    consoles_.printed = std::string(1'000'000, 'x');
    const auto first = read(web1, caller(), {std::string(kConsoleBeginning), 0});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->bytes.size(), 256U * 1024);
    EXPECT_FALSE(first->lost);
    consoles_.kept_from = 500'000;
    const auto later = read(web1, caller(), {first->next, 0});
    ASSERT_TRUE(later);
    EXPECT_TRUE(later->lost);
    EXPECT_EQ(later->next, fmt::format("00000000000000aa-{}", 500'000 + later->bytes.size()));
}

TEST_F(ConsoleOperationsTest, OnlySoManyWaitAtOnce) {
    const Resource web1 = machine();
    const std::string end = read(web1)->next;
    std::vector<std::string> others;
    // While one waits another one comes, at most four of them.
    scheduler_.on_sleep = [&] {
        if (others.size() >= 3) return;
        const std::size_t number = others.size();
        others.emplace_back();
        others[number] = code_of(read(web1, caller(), {end, 0}, 1s));
    };
    EXPECT_TRUE(read(web1, caller(), {end, 0}, 1s));
    EXPECT_THAT(others, ElementsAre("fine", "exhausted", "exhausted"));
    scheduler_.on_sleep = {};
    EXPECT_TRUE(read(web1, caller(), {end, 0}, 1s)) << "whoever has gone makes room";
}

TEST_F(ConsoleOperationsTest, WhoeverWaitsHoldsUpNoServerThatEnds) {
    const Resource web1 = machine();
    const std::string end = read(web1)->next;
    const TimePoint before = clock_.now();
    scheduler_.on_sleep = [this] { operations_.end_waits(); };
    EXPECT_EQ(read(web1, caller(), {end, 0}, 20s)->next, end);
    EXPECT_LT(clock_.now() - before, 1s);
}

TEST_F(ConsoleOperationsTest, WhatTheProviderSaysIsPassedOn) {
    const Resource web1 = machine();
    consoles_.error = Error{ErrorCode::conflict, "web1 does not run: nobody reads what is typed", "", {}};
    EXPECT_EQ(code_of(type(web1, "x")), "conflict");
    consoles_.error = Error{ErrorCode::unavailable, "its console cannot be reached", "", {}};
    EXPECT_EQ(code_of(read(web1)), "unavailable");
    EXPECT_EQ(code_of(read(web1, caller(), {}, 5s)), "unavailable");
}

}  // namespace
}  // namespace slipway::broker_test
