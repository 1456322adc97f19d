#include "main/status_board.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

class Everything final : public ProviderDirectory {
  public:
    [[nodiscard]] Result<ProviderTraits> traits(std::string_view, Kind, std::string_view engine) const override {
        if (engine == broken) return fail(ErrorCode::unavailable, "it is not installed");
        return ProviderTraits{};
    }
    std::string broken;
};

Plan plan_of(Kind kind, std::string engine) {
    Plan plan;
    plan.kind = kind;
    plan.engine = std::move(engine);
    plan.provider = "local";
    return plan;
}

// A package has no scripts/setup: whoever reads the fix has to know what to install.
TEST(StatusBoardTest, TheFixNamesThePackageThatIsMissing) {
    const auto fix = [](const std::string& name, const std::string& reason) {
        return StatusBoard::Part{name, fail(ErrorCode::unavailable, reason)}.fix();
    };
    EXPECT_EQ(fix("local memcached", "memcached is not installed (apt-get install memcached)"),
              "apt-get install memcached, then restart the server and a helper that is a service of its own");
    EXPECT_EQ(fix("local mysql", "the helper process that starts engines is not running"),
              "look at the log of the server and of its helper");
    EXPECT_EQ(fix("store", "the store cannot be read"),
              "look at the log and at the disk below the state directory");
    EXPECT_EQ((StatusBoard::Part{"store", Status()}.fix()), "");
}

// A line of the log for each, and four that are alike say nothing.
TEST(StatusBoardTest, AChangeNamesWhatTheProviderMakes) {
    const Catalog catalog({plan_of(Kind::cache, "redis"), plan_of(Kind::database_server, "mysql")});
    Everything directory;
    StatusBoard board;
    const auto named = [&] {
        std::vector<std::string> words;
        for (const StatusBoard::Change& each : board.refresh(directory, catalog)) {
            words.push_back(each.provider + " " + std::string(to_string(each.kind)) + " " + each.engine +
                            (each.state ? " there" : " not there"));
        }
        return words;
    };
    using Words = std::vector<std::string>;
    EXPECT_EQ(named(), (Words{"local cache redis there", "local database-server mysql there"}));
    EXPECT_EQ(named(), Words{});
    directory.broken = "mysql";
    EXPECT_EQ(named(), (Words{"local database-server mysql not there"}));
}

// What few servers have must not take the others out of a load balancer.
TEST(StatusBoardTest, MachinesAreNeededWhereNothingElseCanBeMade) {
    Plan machine = plan_of(Kind::machine, "vm");
    machine.provider = "libvirt";
    Everything directory;
    directory.broken = "vm";
    const auto needed = [&](std::vector<Plan> plans) {
        StatusBoard board;
        board.refresh(directory, Catalog(std::move(plans)));
        std::map<std::string, bool> by_name;
        for (const StatusBoard::Part& part : board.parts()) by_name[part.name] = part.needed;
        return by_name.at("libvirt vm");
    };
    EXPECT_FALSE(needed({plan_of(Kind::cache, "redis"), machine}));
    EXPECT_TRUE(needed({machine})) << "a server of machines alone is none without them";
}

}  // namespace
}  // namespace slipway
