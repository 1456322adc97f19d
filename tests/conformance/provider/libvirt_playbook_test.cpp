// Playbooks on real virtual machines: of the image tiny, which has no Python.
#include <fstream>

#include <gmock/gmock.h>

#include "base/temporary_directory_test_support.h"
#include "domain/machine.h"
#include "libvirt_subject.h"
#include "providers/playbooks/leftovers.h"
#include "providers/playbooks/playbook_provider.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class Lines final : public StepLog {
  public:
    void write(std::string_view line) override {
        const std::scoped_lock lock(mutex_);
        text_ += std::string(line) + "\n";
    }
    std::string text() {
        const std::scoped_lock lock(mutex_);
        return text_;
    }

  private:
    std::mutex mutex_;
    std::string text_;
};

class MachinePlaybooks : public ::testing::Test {
  protected:
    Spec spec(const std::string& tasks) {
        std::ofstream(playbook_) << "- hosts: all\n  gather_facts: false\n  tasks:\n" << tasks;
        Spec spec = subject_.spec();
        spec.parameters[kPlaybook] = playbook_.string();
        return spec;
    }
    Target target(const std::string& name) {
        Target target = target_of(name);
        target.log = log_;
        return target;
    }
    // As an engine asks.
    ProviderAnswer settled(const std::string& name, const Spec& spec) {
        const auto until = std::chrono::steady_clock::now() + 5min;
        for (;;) {
            ProviderAnswer answer = subject_.run(provider_.create(target(name), spec, 15s));
            if (!answer || answer->presence != Presence::pending) return answer;
            if (std::chrono::steady_clock::now() > until) return answer;
        }
    }
    void remove(const std::string& name, const Spec& spec) {
        EXPECT_TRUE(eventually([&] {
            const ProviderAnswer answer = subject_.run(provider_.remove(target(name), spec, 15s));
            return answer && answer->presence == Presence::absent;
        }));
    }

    const TemporaryDirectory place_;
    const fs::path runs_ = place_.path() / "runs";
    const fs::path playbook_ = place_.path() / "web.yml";
    LibvirtSubject subject_;
    Jobs jobs_{2};
    std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
    playbooks::PlaybookProvider provider_{{.directory = runs_}, jobs_, subject_.provider()};
};

TEST_F(MachinePlaybooks, AreRunInTheMachineBeforeItIsThere) {
    const Spec wanted = spec(
        "    - name: make it\n      raw: echo made > /tmp/made\n"
        "    - name: see it\n      raw: test \"$(cat /tmp/made)\" = made && hostname && id -un\n      register: "
        "seen\n"
        "    - name: tell it\n      debug: {msg: 'it is {{ seen.stdout }}'}\n");
    const ProviderAnswer made = settled("played", wanted);
    ASSERT_TRUE(made) << made.error().message << log_->text();
    EXPECT_EQ(made->presence, Presence::running);
    EXPECT_TRUE(made->proven);
    EXPECT_THAT(log_->text(), HasSubstr("it is played"));
    EXPECT_THAT(log_->text(), HasSubstr("alice"));
    EXPECT_THAT(log_->text(), Not(HasSubstr(kTenantCanary)));
    remove("played", wanted);
    EXPECT_EQ(subject_.leftovers(), std::vector<std::string>());
}

TEST_F(MachinePlaybooks, OneThatFailsLeavesNothing) {
    const Spec wanted = spec("    - name: install nginx\n      raw: 'echo no such package >&2; exit 7'\n");
    const ProviderAnswer made = settled("failing", wanted);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(made.error().message, HasSubstr("the plan's playbook failed at task 1: install nginx"));
    remove("failing", wanted);
    EXPECT_EQ(subject_.leftovers(), std::vector<std::string>());
    EXPECT_EQ(playbooks::end_leftovers(runs_), 0U);
}

}  // namespace
}  // namespace slipway::testing
