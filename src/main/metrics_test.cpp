#include "main/metrics.h"

#include <gmock/gmock.h>

#include "agent/testing.h"
#include "main/database_plans.h"
#include "main/store_levels.h"
#include "store/memory/memory_store.h"

namespace slipway {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
  protected:
    MetricsTest() : catalog_(plans()) {}
    static std::vector<Plan> plans() {
        std::vector<Plan> plans = default_database_plans();
        for (Plan& plan : plans) {
            if (plan.placement) plan.placement->threshold = 2;
        }
        Plan backup;
        backup.kind = Kind::backup;
        backup.engine = "postgres";
        backup.name = "daily";
        plans.push_back(backup);
        return plans;
    }
    Resource put(Kind kind, ResourceState state, bool pooled = false) {
        Resource resource;
        resource.id = ResourceId(fmt::format("res_{}", ++number_));
        resource.kind = kind;
        resource.engine = "postgres";
        resource.plan = "shared";
        resource.provider = "local";
        resource.external_name = resource.id.str();
        resource.name = resource.id.str();
        resource.organization = OrganizationId("acme");
        resource.pooled = pooled;
        resource.state = std::move(state);
        Commit commit;
        commit.writes.emplace_back(write::PutResource{resource});
        return std::get<Committed>(taken(std::move(commit))).resources.at(0);
    }
    void queue(const Resource& resource, TimePoint run_at) {
        Operation operation;
        operation.id = OperationId("op_" + resource.id.str());
        operation.resource = resource.id;
        operation.organization = resource.organization;
        operation.provider = resource.provider;
        operation.state = operation_state::Queued{};
        operation.steps = plan_steps(OperationKind::provision);
        operation.run_at = run_at;
        Commit commit;
        commit.writes.emplace_back(write::PutOperation{operation, std::nullopt});
        EXPECT_TRUE(std::holds_alternative<Committed>(taken(std::move(commit))));
    }
    CommitAnswer taken(Commit commit) {
        auto answer = testing::run(io_, store_.commit(std::move(commit)));
        EXPECT_TRUE(answer);
        return answer.value_or(CommitAnswer());
    }
    std::string told() {
        return metrics_.render(testing::run(io_, read_store_levels(store_, catalog_, clock_.now())));
    }

    boost::asio::io_context io_;
    ManualClock clock_{from_micros(1'700'000'000'000'000)};
    store::MemoryStore store_{clock_};
    Catalog catalog_;
    Metrics metrics_;
    int number_ = 0;
};

TEST_F(MetricsTest, AQueueThatNobodyWorksOffShowsItsLengthAndAge) {
    EXPECT_THAT(told(), HasSubstr("slipway_operations_open{kind=\"provision\",state=\"queued\"} 0\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_operation_queue_oldest_seconds 0\n"));
    queue(put(Kind::database, resource_state::Requested{}), clock_.now() + seconds(5));
    EXPECT_THAT(told(), HasSubstr("slipway_operation_queue_oldest_seconds 0\n")) << "it is not due yet";
    queue(put(Kind::database, resource_state::Requested{}), clock_.now());
    clock_.advance(seconds(90));
    EXPECT_THAT(told(), HasSubstr("slipway_operations_open{kind=\"provision\",state=\"queued\"} 2\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_operation_queue_oldest_seconds 90\n"));
}

TEST_F(MetricsTest, PlacesAreThoseOfServersThatTakeNewOnes) {
    EXPECT_THAT(told(), HasSubstr("slipway_places{engine=\"postgres\",what=\"free\"} 0\n"));
    put(Kind::database_server, resource_state::Ready{});
    put(Kind::database_server, resource_state::Requested{});
    put(Kind::database_server, resource_state::Ready{}, true);  // a pool's serves nobody
    put(Kind::database_server, resource_state::Failed{"no"});
    put(Kind::database, resource_state::Ready{});
    put(Kind::database, resource_state::Failed{"no"});
    EXPECT_THAT(told(), HasSubstr("slipway_places{engine=\"postgres\",what=\"used\"} 1\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_places{engine=\"postgres\",what=\"free\"} 5\n"));
}

TEST_F(MetricsTest, ResourcesAreToldByKindEngineAndStateAndFallToZero) {
    const std::string ready = "slipway_resources{engine=\"postgres\",kind=\"database\",state=\"ready\"} ";
    EXPECT_THAT(told(), HasSubstr(ready + "0\n"));
    Resource resource = put(Kind::database, resource_state::Ready{});
    EXPECT_THAT(told(), HasSubstr(ready + "1\n"));
    resource.state = resource_state::Gone{clock_.now()};
    Commit commit;
    commit.writes.emplace_back(write::PutResource{resource});
    taken(std::move(commit));
    EXPECT_THAT(told(), HasSubstr(ready + "0\n"));
    EXPECT_THAT(told(), Not(HasSubstr("state=\"gone\"")));
}

TEST_F(MetricsTest, PlaybooksAreToldByTheirOutcome) {
    const std::string failed = "slipway_playbook_duration_seconds_count{outcome=\"failed\"} ";
    EXPECT_THAT(told(), HasSubstr(failed + "0\n"));
    metrics_.on_playbook("failed", seconds(12));
    EXPECT_THAT(told(), HasSubstr(failed + "1\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_playbook_duration_seconds_sum{outcome=\"failed\"} 12\n"));
}

TEST_F(MetricsTest, BootsOfMachinesAndHowTheyAreRunAreToldFromTheStart) {
    EXPECT_THAT(told(), HasSubstr("slipway_machine_boots{engine=\"vm\",what=\"waiting\"} 0\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_machine_boots{engine=\"container\",what=\"under_way\"} 0\n"));
    EXPECT_THAT(told(), HasSubstr("slipway_machines_acceleration{kind=\"none\"} 1\n"));
    Metrics::Levels levels;
    levels.ops.boots["vm"] = {2, 5};
    levels.ops.accelerator = "emulation";
    const std::string now = metrics_.render(levels);
    EXPECT_THAT(now, HasSubstr("slipway_machine_boots{engine=\"vm\",what=\"under_way\"} 2\n"));
    EXPECT_THAT(now, HasSubstr("slipway_machine_boots{engine=\"vm\",what=\"waiting\"} 5\n"));
    EXPECT_THAT(now, HasSubstr("slipway_machines_acceleration{kind=\"emulation\"} 1\n"));
    EXPECT_THAT(now, HasSubstr("slipway_machines_acceleration{kind=\"none\"} 0\n"));
}

// Three series of zeros for what can never be there.
TEST_F(MetricsTest, OnlyWhatCanBeMadeAheadHasAPool) {
    EXPECT_THAT(told(), HasSubstr("slipway_pool_resources{engine=\"postgres\",kind=\"database\""));
    EXPECT_THAT(told(), Not(HasSubstr("slipway_pool_resources{engine=\"mysql\"")));
    EXPECT_THAT(told(), Not(HasSubstr("slipway_pool_resources{engine=\"postgres\",kind=\"backup\"")));
    EXPECT_THAT(told(), Not(HasSubstr("slipway_pool_resources{engine=\"postgres\",kind=\"database-server\"")));
}

}  // namespace
}  // namespace slipway
