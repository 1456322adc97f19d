// Machines: the login that comes with the request, the password that nobody keeps, and the address that they are
// known by.
#include "broker/broker_test_support.h"
#include "domain/machine.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPassword = "open sesame 4711";

class MachineTest : public BrokerTest {
  protected:
    MachineTest() {
        catalog_ = Catalog({plan("small"), machine("tiny", "tiny", 1), machine("big", "tiny", 4),
                            machine("other", "debian", 4), machine("thin", "tiny", 0)});
        directory_.traits_.ranges = {{"dummy/address", "address", 0x0a4d0002, 0x0a4d00fe}};
    }
    static Plan machine(std::string name, std::string image, std::int64_t gigabytes) {
        Plan made = plan(std::move(name), 0, false);
        made.kind = Kind::machine;
        made.engine = "vm";
        made.parameters = {{"image", std::move(image)}, {"cpus", 1}, {"disk", gigabytes << 30}};
        made.price = Price{"EUR", 20'000};
        return made;
    }
    static ProvisionRequest wish(std::string key = "", std::string plan = "tiny") {
        ProvisionRequest wanted = request(std::move(key), std::move(plan));
        wanted.face = "ec2";
        wanted.kind = Kind::machine;
        wanted.engine = "vm";
        wanted.username = "suitepad";
        wanted.password = Secret(kPassword);
        return wanted;
    }
    Error refusal(ProvisionRequest wanted, CallContext as = caller()) {
        auto answer = run(broker_->provision(std::move(as), std::move(wanted)));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
    std::string found_at(const std::string& address, CallContext as = caller()) {
        const auto found = run(broker_->find_machine(std::move(as), address));
        return found ? found->id.str() : std::string(to_string(found.error().code));
    }
    // Everything that is stored or told, as one text.
    std::string whole_state() {
        std::string all;
        const auto state = memory_.snapshot();
        state.for_each_resource([&](const Resource& each) {
            all += each.name + json::dump(each.parameters) + json::dump(each.own_parameters) + each.health_detail;
        });
        for (const Event& event : state.events(0, std::nullopt, 1000)) {
            all += event.body.message + json::dump(event.body.data);
        }
        if (const auto* kept = state.idempotency("acme/ec2", "key", clock_.now())) all += kept->request_hash;
        return all;
    }
};

TEST_F(MachineTest, ThePasswordIsSealedUntilTheMachineIsReadyAndThenForgotten) {
    const Accepted accepted = provision(wish("key"));
    EXPECT_EQ(password_of(resource(accepted.resource.id)), kPassword);
    EXPECT_EQ(json::get_string(resource(accepted.resource.id).own_parameters, "username"), "suitepad");
    work();
    const Resource made = resource(accepted.resource.id);
    EXPECT_EQ(state_of(made.id), "ready");
    EXPECT_TRUE(made.secrets.empty());
    EXPECT_EQ(username_of(made), "suitepad");
    EXPECT_EQ(made.address, "10.77.0.2");
    EXPECT_THAT(whole_state(), Not(HasSubstr(kPassword)));
    const auto shown = run(broker_->password(caller(), made));
    ASSERT_TRUE(shown);
    EXPECT_FALSE(*shown) << "nobody can be told it any more";
}

TEST_F(MachineTest, OneThatIsCancelledOrFailsForgetsItToo) {
    const Accepted cancelled = provision(wish());
    ASSERT_TRUE(run(broker_->cancel(caller(), cancelled.operation->id, "changed my mind")));
    EXPECT_EQ(state_of(cancelled.resource.id), "failed");
    EXPECT_TRUE(resource(cancelled.resource.id).secrets.empty());

    const Accepted removed = provision(wish());
    work(Verb::create);
    ASSERT_TRUE(run(broker_->deprovision(caller(), removed.resource.id)));
    EXPECT_EQ(state_of(removed.resource.id), "deprovisioning");
    EXPECT_TRUE(resource(removed.resource.id).secrets.empty());
    clock_.advance(31s);
    work();
    EXPECT_EQ(state_of(removed.resource.id), "gone");
    EXPECT_EQ(state_of(removed.operation->id), "cancelled");
}

TEST_F(MachineTest, ItNeedsALoginAndNothingElseTakesOne) {
    ProvisionRequest none = wish();
    none.username.clear();
    none.password = Secret();
    const Error both = refusal(none);
    EXPECT_EQ(both.problems, (std::vector<FieldProblem>{{"username", "is required"}, {"password", "is required"}}));
    ProvisionRequest bad = wish();
    bad.username = "a;reboot";
    bad.password = Secret("a\nb");
    const Error wrong = refusal(bad);
    ASSERT_EQ(wrong.problems.size(), 2U);
    EXPECT_THAT(wrong.message, Not(HasSubstr("reboot")));
    EXPECT_EQ(wrong.problems[1].problem, "must not hold control characters");
    ProvisionRequest cache = request();
    cache.username = "suitepad";
    cache.password = Secret(kPassword);
    EXPECT_EQ(refusal(cache).problems, (std::vector<FieldProblem>{{"username", "belongs to machines"},
                                                                  {"password", "belongs to machines"}}));
    EXPECT_EQ(resources(), 0U);
}

TEST_F(MachineTest, AKeyBringsTheSameRequestBackAndRefusesAnyOther) {
    const Accepted first = provision(wish("key"));
    const Accepted again = provision(wish("key"));
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.resource.id, first.resource.id);
    work();
    EXPECT_EQ(provision(wish("key")).resource.id, first.resource.id) << "after the password was forgotten, too";
    ProvisionRequest another_password = wish("key");
    another_password.password = Secret("open sesame 4712");
    EXPECT_EQ(refusal(another_password).code, ErrorCode::idempotency_reuse);
    ProvisionRequest another_user = wish("key");
    another_user.username = "suitepad2";
    EXPECT_EQ(refusal(another_user).code, ErrorCode::idempotency_reuse);
    EXPECT_EQ(resources(), 1U);
    EXPECT_NE(provision(wish("other")).resource.id, first.resource.id) << "every create is its own machine";
}

// Whoever reads the store learns neither the password nor that two machines have the same one.
TEST_F(MachineTest, WhatIsKeptOfARequestTellsNothingOfItsPassword) {
    provision(wish("one"));
    provision(wish("two"));
    const auto state = memory_.snapshot();
    const auto* one = state.idempotency("acme/ec2", "one", clock_.now());
    const auto* two = state.idempotency("acme/ec2", "two", clock_.now());
    ASSERT_TRUE(one != nullptr && two != nullptr);
    EXPECT_NE(one->request_hash, two->request_hash);
}

TEST_F(MachineTest, ItIsFoundByItsAddressWhileItIsThere) {
    EXPECT_EQ(found_at("10.77.0.2"), "not_found");
    const Accepted accepted = provision(wish());
    EXPECT_EQ(found_at("10.77.0.2"), "not_found") << "nobody has reached it yet";
    work();
    const std::string id = accepted.resource.id.str();
    EXPECT_EQ(found_at("10.77.0.2"), id);
    EXPECT_EQ(found_at("10.77.0.3"), "not_found");
    EXPECT_EQ(found_at(""), "not_found");
    EXPECT_EQ(found_at("10.77.0.2", caller("other")), "not_found") << "it is another's";
    EXPECT_EQ(found_at("10.77.0.2", caller("other", Role::administrator)), id);
    EXPECT_EQ(found_at("10.77.0.2", caller("acme", Role::reader)), id);
    ASSERT_TRUE(run(broker_->deprovision(caller(), accepted.resource.id)));
    EXPECT_EQ(found_at("10.77.0.2"), id) << "so that a repeated deletion finds the first one";
    work();
    EXPECT_EQ(found_at("10.77.0.2"), "not_found");
}

TEST_F(MachineTest, OfSeveralAtOneAddressTheOwnOneThatWorksIsMeantAndNoneIsGuessed) {
    const auto put = [&](const std::string& id, const std::string& organization, ResourceState state) {
        Resource machine;
        machine.id = ResourceId(id);
        machine.name = machine.external_name = "oct-" + id;
        machine.kind = Kind::machine;
        machine.organization = OrganizationId(organization);
        machine.address = "10.0.0.1";
        machine.state = std::move(state);
        Commit commit;
        commit.writes.emplace_back(write::PutResource{machine});
        ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    };
    const resource_state::Ready ready{{"ssh", "10.0.0.1", 22}, {}};
    const CallContext operators = caller("acme", Role::administrator);
    put("res_1", "acme", resource_state::Failed{"it is lost"});
    EXPECT_EQ(found_at("10.0.0.1"), "res_1") << "what failed can be taken away";
    put("res_2", "other", ready);
    EXPECT_EQ(found_at("10.0.0.1", operators), "res_1") << "its own first of all";
    put("res_3", "acme", ready);
    EXPECT_EQ(found_at("10.0.0.1"), "res_3");
    put("res_4", "acme", ready);
    EXPECT_EQ(found_at("10.0.0.1"), "conflict");
    EXPECT_EQ(found_at("10.0.0.1", caller("other")), "res_2");
}

TEST_F(MachineTest, TheTimelineAndTheDryRunSayMachine) {
    const auto before = run(broker_->preview_provision(caller(), wish()));
    ASSERT_TRUE(before && before->allowed) << before->refusal->message;
    ASSERT_EQ(before->steps.size(), 2U);
    EXPECT_EQ(before->steps[0].what, "create the machine");
    EXPECT_EQ(before->steps[1].what, "log in to the machine by SSH");
    EXPECT_EQ(before->price_after, (Price{"EUR", 20'000}));
    EXPECT_EQ(resources(), 0U);

    const Resource made = ready(wish());
    const auto timeline = run(broker_->timeline(caller(), made.id, 0, 100));
    ASSERT_TRUE(timeline && timeline->size() > 2);
    EXPECT_THAT(timeline->front().body.message, HasSubstr("a machine (vm) of plan tiny was requested"));
    std::string all;
    for (const Event& event : *timeline) all += event.body.message + "\n";
    EXPECT_THAT(all, HasSubstr("is ready at ssh://10.77.0.2:22"));
    const auto removal = run(broker_->preview_deprovision(caller(), made.id));
    ASSERT_TRUE(removal && removal->allowed);
    EXPECT_EQ(removal->steps.at(0).what, "remove the machine and its data");
    ProvisionRequest bad = wish();
    bad.password = Secret("a\nb");
    const auto refused = run(broker_->preview_provision(caller(), bad));
    ASSERT_TRUE(refused && !refused->allowed);
    EXPECT_EQ(refused->refusal->problems.at(0).field, "password");
}

TEST_F(MachineTest, QuotasCountMachines) {
    Quota one = quota(1, "tiny");
    one.kind = Kind::machine;
    one.engine = "vm";
    set_quotas({one});
    provision(wish());
    EXPECT_THAT(refusal(wish()).message, HasSubstr("acme for vm/tiny is used up: 1 machine"));
    provision(wish("", "big"));
    const auto preview = run(broker_->preview_provision(caller(), wish("", "tiny")));
    ASSERT_TRUE(preview && !preview->allowed);
    EXPECT_EQ(preview->quotas.at(1).scope, "vm/tiny");
    EXPECT_EQ(preview->quotas.at(1).used, 1U);
}

TEST_F(MachineTest, UsageCountsFromReadyUntilTheDeletion) {
    const Resource made = ready(wish());
    clock_.advance(1h);
    ASSERT_TRUE(run(broker_->deprovision(caller(), made.id)));
    clock_.advance(1h);
    work();
    UsageFilter whole;
    whole.from = made.created_at - 1h;
    whole.to = clock_.now();
    const auto rows = memory_.snapshot().usage(whole);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].key, (UsageKey{OrganizationId("acme"), "team-a", Kind::machine, "vm", "tiny"}));
    EXPECT_EQ(rows[0].time, 1h);
}

TEST_F(MachineTest, AnotherPlanKeepsTheLoginTheImageAndTheDisk) {
    const Resource made = ready(wish());
    const auto change = [&](std::string to) {
        UpdateRequest wanted;
        wanted.plan = std::move(to);
        return run(broker_->update(caller(), made.id, std::move(wanted)));
    };
    const auto image = change("other");
    ASSERT_FALSE(image);
    EXPECT_THAT(image.error().message, HasSubstr("must be one with the image tiny"));
    const auto disk = change("thin");
    ASSERT_FALSE(disk);
    EXPECT_THAT(disk.error().message, HasSubstr("whose disk is not smaller"));
    const auto big = change("big");
    ASSERT_TRUE(big) << big.error().message;
    work();
    const Resource changed = resource(made.id);
    EXPECT_EQ(changed.plan, "big");
    EXPECT_EQ(username_of(changed), "suitepad");
    EXPECT_EQ(changed.address, made.address);
    EXPECT_TRUE(changed.secrets.empty());
}

// Where the record is lost nobody knows the login: the provider proves whose machine it is, and that is enough.
TEST_F(MachineTest, AnOrphanIsTakenOverWithTheLoginThatItHas) {
    static_cast<void>(key_of("acme"));
    Orphan lost;
    lost.provider = "dummy";
    lost.external_name = "oct-0badcafe";
    lost.kind = "lost";
    lost.resource = ResourceId("res_lost");
    lost.generation = 3;
    Commit commit;
    commit.writes.emplace_back(write::PutOrphan{lost});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    out_there_[ResourceId("res_lost")] = true;
    AdoptRequest wanted;
    wanted.face = "native";
    wanted.provider = "dummy";
    wanted.external_name = "oct-0badcafe";
    wanted.plan = "tiny";
    const CallContext operators = caller("acme", Role::administrator);
    const auto preview = run(broker_->preview_adopt(operators, wanted));
    ASSERT_TRUE(preview && preview->allowed);
    EXPECT_EQ(preview->steps.at(0).what, "take it over where it is, with the login that it has");
    const auto accepted = run(broker_->adopt(operators, wanted));
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_TRUE(accepted->resource.secrets.empty());
    work();
    const Resource taken = resource(ResourceId("res_lost"));
    EXPECT_EQ(state_of(taken.id), "ready");
    EXPECT_EQ(username_of(taken), "");
    EXPECT_EQ(taken.address, "10.77.0.2");
    EXPECT_THAT(run(broker_->timeline(operators, taken.id, 0, 10))->front().body.message,
                HasSubstr("keeps the login that it has"));
}

}  // namespace
}  // namespace slipway::broker_test
