// What holds for every provider. A provider joins by a factory in the list at the end.
#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include "subject.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
constexpr Duration kBudget = 20s;

class ProviderConformance : public ::testing::TestWithParam<NamedFactory> {
  protected:
    void SetUp() override { subject_ = GetParam().make(); }
    void TearDown() override {
        if (!subject_) return;  // it could not even be made
        for (const auto& [name, target] : used_) {
            // Foreign by now or absent already: what counts is what is left.
            static_cast<void>(ask(Verb::remove, target, {}));
        }
        const std::vector<std::string> left = subject_->leftovers();
        EXPECT_TRUE(left.empty()) << fmt::format("{}", fmt::join(left, ", "));
    }

    ProviderAnswer ask(Verb verb, const Target& target, const Spec& spec, Duration budget = kBudget) {
        used_[target.external_name + std::to_string(target.generation)] = target;
        ProviderAnswer answer = subject_->run(call(verb, target, spec, budget));
        check_words(answer);
        return answer;
    }
    Task<ProviderAnswer> call(Verb verb, Target target, Spec spec, Duration budget) {
        Provider& provider = subject_->provider();
        switch (verb) {
            case Verb::observe: return provider.observe(std::move(target), std::move(spec), budget);
            case Verb::create: return provider.create(std::move(target), std::move(spec), budget);
            case Verb::update: return provider.update(std::move(target), std::move(spec), budget);
            case Verb::remove: return provider.remove(std::move(target), std::move(spec), budget);
        }
        return provider.observe(std::move(target), std::move(spec), budget);
    }
    static void check_words(const ProviderAnswer& answer) {
        const std::string text =
            answer ? json::dump(answer->handle) + answer->detail : answer.error().message + answer.error().detail;
        EXPECT_EQ(text.find(kTenantCanary), std::string::npos);
        EXPECT_EQ(text.find(kManagementCanary), std::string::npos);
        if (answer && answer->presence == Presence::running) {
            EXPECT_TRUE(answer->endpoint);
        }
    }
    Presence observed(const Target& target, const Spec& spec) {
        const ProviderAnswer answer = ask(Verb::observe, target, spec);
        EXPECT_TRUE(answer) << answer.error().message;
        return answer ? answer->presence : Presence::failed;
    }
    // Asks and then, like the engine, looks until it is settled; a conflict is looked at, too.
    Presence settled(Verb verb, const Target& target, const Spec& spec) {
        ProviderAnswer answer = ask(verb, target, spec);
        if (!answer && answer.error().error_class == ErrorClass::conflict) return observed(target, spec);
        for (int i = 0; i < 1000; ++i) {
            if (!answer) {
                ADD_FAILURE() << answer.error().message << ": " << answer.error().detail;
                return Presence::failed;
            }
            if (answer->presence != Presence::pending && answer->presence != Presence::deleting) break;
            ::poll(nullptr, 0, 10);
            answer = ask(Verb::observe, target, spec);
            if (answer && answer->unfinished) answer = ask(verb, target, spec);
        }
        return answer ? answer->presence : Presence::failed;
    }
    std::vector<InventoryItem> inventory() {
        std::vector<InventoryItem> items;
        std::string cursor;
        do {
            const auto page = subject_->run(subject_->provider().inventory(cursor, kBudget));
            EXPECT_TRUE(page) << page.error().message;
            if (!page) return items;
            items.insert(items.end(), page->items.begin(), page->items.end());
            cursor = page->next;
        } while (!cursor.empty());
        return items;
    }
    std::string inventory_text() {
        std::string text;
        for (const InventoryItem& each : inventory()) {
            text += fmt::format("{} {} {} {}\n", each.external_name, each.resource.str(), each.generation,
                                to_string(each.presence));
        }
        return text;
    }

    std::unique_ptr<Subject> subject_;
    std::map<std::string, Target> used_;
};

TEST_P(ProviderConformance, EachVerbTwiceHasTheEffectOfOne) {
    const Target target = target_of("twice");
    const Spec spec = subject_->spec();
    EXPECT_EQ(observed(target, spec), Presence::absent);
    EXPECT_EQ(settled(Verb::create, target, spec), Presence::running);
    const std::string first = subject_->identity("twice");
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(settled(Verb::create, target, spec), Presence::running);
    EXPECT_EQ(subject_->identity("twice"), first);
    EXPECT_EQ(observed(target, spec), Presence::running);
    EXPECT_EQ(observed(target, spec), Presence::running);
    EXPECT_EQ(settled(Verb::update, target, spec), Presence::running);
    EXPECT_EQ(settled(Verb::update, target, spec), Presence::running);
    EXPECT_EQ(subject_->identity("twice"), first);
    EXPECT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    EXPECT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    EXPECT_EQ(observed(target, spec), Presence::absent);
}

TEST_P(ProviderConformance, ObserveChangesNothing) {
    const Target target = target_of("looked-at");
    const Spec spec = subject_->spec();
    const auto look = [&](Presence expected) {
        const std::string before = subject_->picture();
        const std::string listed = inventory_text();
        EXPECT_EQ(observed(target, spec), expected);
        EXPECT_EQ(observed(target_of("looked-at", 7), spec),
                  expected == Presence::absent ? Presence::absent : Presence::foreign);
        EXPECT_EQ(inventory_text(), listed);
        EXPECT_EQ(subject_->picture(), before);
    };
    look(Presence::absent);
    ASSERT_EQ(settled(Verb::create, target, spec), Presence::running);
    look(Presence::running);
    subject_->make_stop("looked-at");
    look(Presence::stopped);
    ASSERT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    look(Presence::absent);
}

TEST_P(ProviderConformance, ACrashBetweenAnyTwoVerbsLosesNothingAndMakesNothingTwice) {
    const Target target = target_of("crashed");
    const Spec spec = subject_->spec();
    ASSERT_EQ(settled(Verb::create, target, spec), Presence::running);
    const std::string first = subject_->identity("crashed");
    for (const Verb verb : {Verb::observe, Verb::create, Verb::update, Verb::observe}) {
        subject_->crash();
        EXPECT_EQ(subject_->identity("crashed"), first) << "after a crash before " << to_string(verb);
        EXPECT_EQ(settled(verb, target, spec), Presence::running) << to_string(verb);
        EXPECT_EQ(subject_->identity("crashed"), first) << to_string(verb);
    }
    subject_->crash();
    EXPECT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    subject_->crash();
    EXPECT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    subject_->crash();
    EXPECT_EQ(observed(target, spec), Presence::absent);
}

TEST_P(ProviderConformance, WhatIsNotOursIsNeverTouched) {
    const Target target = target_of("foreign");
    const Spec spec = subject_->spec();
    subject_->plant_foreign("foreign");
    const std::string before = subject_->picture();
    EXPECT_EQ(observed(target, spec), Presence::foreign);
    EXPECT_EQ(settled(Verb::update, target, spec), Presence::foreign);
    EXPECT_EQ(settled(Verb::remove, target, spec), Presence::foreign);
    if (subject_->unique_names()) {
        EXPECT_EQ(settled(Verb::create, target, spec), Presence::foreign);
    }
    EXPECT_EQ(subject_->picture(), before);
    const std::vector<InventoryItem> items = inventory();
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items.front().installation, InstallationId("ins_other"));
    subject_->unplant_foreign("foreign");
}

TEST_P(ProviderConformance, AnotherGenerationIsForeign) {
    const Spec spec = subject_->spec();
    ASSERT_EQ(settled(Verb::create, target_of("older", 2), spec), Presence::running);
    const std::string before = subject_->identity("older");
    for (const std::uint64_t generation : {std::uint64_t{1}, std::uint64_t{3}}) {
        const Target other = target_of("older", generation);
        EXPECT_EQ(observed(other, spec), Presence::foreign);
        EXPECT_EQ(settled(Verb::update, other, spec), Presence::foreign);
        EXPECT_EQ(settled(Verb::remove, other, spec), Presence::foreign);
        EXPECT_EQ(subject_->identity("older"), before);
    }
    EXPECT_EQ(observed(target_of("older", 2), spec), Presence::running);
}

TEST_P(ProviderConformance, WhatIsNotThereCanBeRemovedAndCannotBeUpdated) {
    const Target target = target_of("nothing");
    EXPECT_EQ(settled(Verb::update, target, subject_->spec()), Presence::absent);
    EXPECT_EQ(settled(Verb::remove, target, subject_->spec()), Presence::absent);
    EXPECT_EQ(observed(target, subject_->spec()), Presence::absent);
}

TEST_P(ProviderConformance, ACreateThatComesAfterItsRemovalIsRefused) {
    const Target target = target_of("late");
    const Spec spec = subject_->spec();
    ASSERT_EQ(settled(Verb::create, target, spec), Presence::running);
    ASSERT_EQ(settled(Verb::remove, target, spec), Presence::absent);
    const ProviderAnswer late = ask(Verb::create, target, spec);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().error_class, ErrorClass::permanent);
    EXPECT_EQ(observed(target, spec), Presence::absent);
    // Also where nothing had been made when the removal came.
    ASSERT_EQ(settled(Verb::remove, target_of("never"), spec), Presence::absent);
    EXPECT_FALSE(ask(Verb::create, target_of("never"), spec));
    // The next generation is another thing.
    EXPECT_EQ(settled(Verb::create, target_of("late", 2), spec), Presence::running);
}

TEST_P(ProviderConformance, TheInventoryIsExact) {
    std::map<std::string, Spec> specs;
    for (const std::string name : {"inv-a", "inv-b", "inv-c"}) {
        specs[name] = subject_->spec();
        ASSERT_EQ(settled(Verb::create, target_of(name), specs[name]), Presence::running);
    }
    ASSERT_EQ(settled(Verb::remove, target_of("inv-b"), specs["inv-b"]), Presence::absent);
    subject_->make_stop("inv-c");
    subject_->plant_foreign("inv-d");
    std::map<std::string, InventoryItem> items;
    for (const InventoryItem& each : inventory()) items[each.external_name] = each;
    ASSERT_EQ(items.size(), 3U);
    EXPECT_EQ(items["inv-a"].presence, Presence::running);
    EXPECT_EQ(items["inv-a"].resource, ResourceId("res_inv-a"));
    EXPECT_EQ(items["inv-a"].installation, InstallationId("ins_conformance"));
    EXPECT_EQ(items["inv-a"].generation, 1U);
    EXPECT_EQ(items["inv-c"].presence, Presence::stopped);
    EXPECT_EQ(items["inv-d"].installation, InstallationId("ins_other"));
    subject_->unplant_foreign("inv-d");
}

TEST_P(ProviderConformance, WhatStoppedIsSaidToBeStoppedAndUpdateBringsItBack) {
    const Target target = target_of("stopped");
    const Spec spec = subject_->spec();
    ASSERT_EQ(settled(Verb::create, target, spec), Presence::running);
    std::vector<std::string> told;
    subject_->provider().on_change([&](std::string name) { told.push_back(std::move(name)); });
    subject_->make_stop("stopped");
    if (subject_->tells_of_stops()) {
        EXPECT_TRUE(eventually([&] {
            subject_->io().restart();
            subject_->io().poll();
            return told == std::vector<std::string>{"stopped"};
        }));
    }
    EXPECT_EQ(observed(target, spec), Presence::stopped);
    EXPECT_EQ(settled(Verb::update, target, spec), Presence::running);
    EXPECT_EQ(observed(target, spec), Presence::running);
}

TEST_P(ProviderConformance, EveryCallEndsWithinItsBudgetAndTheNextOneFinishesIt) {
    const Target target = target_of("hurried");
    const Spec spec = subject_->spec();
    for (const Verb verb : {Verb::create, Verb::update, Verb::observe, Verb::remove}) {
        for (const Duration budget : {Duration(0), Duration(1ms), Duration(3ms), Duration(8ms)}) {
            const Target each = target_of(fmt::format("hurried-{}-{}", to_string(verb), budget.count()));
            const Spec with = subject_->spec();
            if (verb != Verb::create) {
                ASSERT_EQ(settled(Verb::create, each, with), Presence::running);
            }
            const auto began = std::chrono::steady_clock::now();
            const ProviderAnswer answer = ask(verb, each, with, budget);
            EXPECT_LT(std::chrono::steady_clock::now() - began, budget + 1s);
            if (!answer) {
                const ErrorClass error = answer.error().error_class;
                EXPECT_TRUE(error == ErrorClass::unknown_outcome || error == ErrorClass::transient)
                    << to_string(error);
            }
            EXPECT_EQ(settled(Verb::remove, each, with), Presence::absent);
        }
    }
    EXPECT_EQ(settled(Verb::create, target, spec), Presence::running);
}

TEST_P(ProviderConformance, CallsAtOnceForOneNameMakeOneThing) {
    std::map<std::string, Spec> specs;
    std::size_t open = 0;
    const auto spawn = [&](Verb verb, const std::string& name) {
        ++open;
        used_[name + "1"] = target_of(name);
        boost::asio::co_spawn(subject_->io(), call(verb, target_of(name), specs[name], kBudget),
                              [&](std::exception_ptr, const ProviderAnswer&) { --open; });
    };
    const auto finish = [&] {
        return eventually(
            [&] {
                subject_->io().restart();
                subject_->io().poll();
                return open == 0;
            },
            60s);
    };
    for (int i = 0; i < 6; ++i) specs[fmt::format("many-{}", i)] = subject_->spec();
    for (int round = 0; round < 3; ++round) {
        for (const auto& each : specs) spawn(Verb::create, each.first);
    }
    ASSERT_TRUE(finish());
    EXPECT_EQ(inventory().size(), specs.size());
    for (const auto& [name, spec] : specs) {
        EXPECT_EQ(settled(Verb::create, target_of(name), spec), Presence::running) << name;
    }
    for (int round = 0; round < 2; ++round) {
        for (const auto& each : specs) spawn(Verb::remove, each.first);
    }
    ASSERT_TRUE(finish());
    EXPECT_TRUE(inventory().empty());
}

INSTANTIATE_TEST_SUITE_P(Dummy, ProviderConformance,
                         ::testing::Values(NamedFactory{"strict", make_dummy_strict},
                                           NamedFactory{"token", make_dummy_token}),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Local, ProviderConformance,
                         ::testing::Values(NamedFactory{"redis", make_local_redis},
                                           NamedFactory{"memcached", make_local_memcached},
                                           NamedFactory{"postgres", make_local_postgres},
                                           NamedFactory{"mysql", make_local_mariadb}),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Databases, ProviderConformance,
                         ::testing::Values(NamedFactory{"postgres", make_databases_postgres},
                                           NamedFactory{"mysql", make_databases_mysql}),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Machines, ProviderConformance,
                         ::testing::Values(NamedFactory{"libvirt", make_libvirt}, NamedFactory{"lxc", make_lxc}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace slipway::testing
