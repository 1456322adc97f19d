// Real runs of ansible-playbook against a real SSH server, whose machine is this one.
#include "providers/playbooks/playbook_provider.h"

#include <fstream>
#include <set>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn_parts.h"
#include "base/start_test_support.h"
#include "base/temporary_directory_test_support.h"
#include "domain/machine.h"
#include "providers/by_verb.h"
#include "providers/playbooks/leftovers.h"
#include "providers/playbooks/ssh_server_test_support.h"

namespace slipway::playbooks {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kPatience = std::chrono::minutes(3);  // of a slow machine

// Machines that run as soon as they are asked for: all of them are the one SSH server.
class FakeMachines final : public ByVerb {
  public:
    explicit FakeMachines(const test::SshServer& server) : server_(server) {}
    [[nodiscard]] std::string_view name() const override { return "fake"; }
    [[nodiscard]] Status available(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string> secrets(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::uint32_t concurrency() const override { return 8; }
    [[nodiscard]] bool on_this_host() const override { return true; }
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string, Duration) override {
        co_return InventoryPage{};
    }
    void on_change(std::function<void(std::string)> listener) override { static_cast<void>(listener); }

    std::set<std::string> there;
    std::string fingerprint = {};  // empty: the server's

  private:
    Task<ProviderAnswer> answer(Verb verb, Target target, Spec spec, Duration budget) override {
        static_cast<void>(spec);
        static_cast<void>(budget);
        if (verb == Verb::create) there.insert(target.external_name);
        if (verb == Verb::remove) there.erase(target.external_name);
        Observation seen;
        if (!there.contains(target.external_name)) co_return seen;
        seen.presence = Presence::running;
        seen.endpoint = Endpoint{"ssh", "127.0.0.1", server_.port()};
        seen.handle = {{"host_key", fingerprint.empty() ? server_.fingerprint() : fingerprint}};
        seen.proven = true;
        co_return seen;
    }
    const test::SshServer& server_;
};

class Lines final : public StepLog {
  public:
    void write(std::string_view line) override {
        const std::scoped_lock lock(mutex_);
        text_ += std::string(line) + "\n";
    }
    std::string text() const {
        const std::scoped_lock lock(mutex_);
        return text_;
    }

  private:
    mutable std::mutex mutex_;
    std::string text_;
};

std::string whole(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class PlaybookProviderTest : public testing::Test {
  protected:
    PlaybookProviderTest() {
        if (missing(find_programs())) ADD_FAILURE() << "scripts/setup --tests installs what this takes";
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        boost::asio::io_context io;
        start(io, into(result, std::move(task)));
        io.run();
        return std::move(*result);
    }
    Target target(std::string name = "oct-1") {
        Target target{InstallationId("ins"), ResourceId("res_1"), std::move(name), 1, "t1", {}};
        target.log = log_;
        return target;
    }
    Spec spec() const {
        Spec spec;
        spec.kind = Kind::machine;
        spec.engine = "vm";
        spec.parameters = {
            {kUsername, kLogin}, {kPlaybook, playbook_.string()}, {kPlaybookSeconds, limit_.count()}};
        spec.secrets.emplace(kMachinePassword, password_);
        return spec;
    }
    Spec spec_of_a_ready_one() const {
        Spec ready = spec();
        ready.secrets.clear();
        return ready;
    }
    void tasks(const std::string& text, const std::string& hosts = "all") const {
        std::ofstream(playbook_) << "- hosts: " << hosts << "\n  gather_facts: false\n  tasks:\n" << text;
    }
    ProviderAnswer create(PlaybookProvider& provider, std::string name = "oct-1") {
        return run(provider.create(target(std::move(name)), spec(), 15s));
    }
    ProviderAnswer create() { return create(provider_); }
    ProviderAnswer remove() { return run(provider_.remove(target(), spec(), 15s)); }
    // As an engine asks, until it is done one way or the other.
    ProviderAnswer created(PlaybookProvider& provider) {
        const auto until = steady_clock::now() + kPatience;
        for (;;) {
            ProviderAnswer answer = create(provider);
            if (!answer || answer->presence != Presence::pending || steady_clock::now() > until) return answer;
            sentences_.insert(answer->detail);
            std::this_thread::yield();
        }
    }
    ProviderAnswer created() { return created(provider_); }
    template <class Condition>
    bool soon(Condition condition) {
        const auto until = steady_clock::now() + kPatience;
        while (!condition()) {
            if (steady_clock::now() > until) return false;
            std::this_thread::yield();
        }
        return true;
    }
    bool gone() {
        return soon([&] {
            const ProviderAnswer answer = remove();
            return answer && answer->presence == Presence::absent;
        });
    }
    PlaybookOptions options() const { return {.directory = runs_, .on_played = on_played_}; }

    static constexpr std::string_view kLogin = "web";
    const TemporaryDirectory directory_;
    const fs::path place_ = directory_.path() / "it's a 100% place";
    const fs::path runs_ = place_ / "runs";
    const fs::path playbook_ = place_ / "web.yml";
    const fs::path mark_ = directory_.path() / "mark";
    const bool made_ = fs::create_directories(place_);
    std::chrono::seconds limit_ = 120s;
    Secret password_{" pa{{ 7*7 }}\"ss'w\xc3\xb6rd\\ "};
    std::mutex mutex_;
    std::vector<std::string> outcomes_;
    OnPlayed on_played_ = [this](Outcome outcome, Duration) {
        const std::scoped_lock lock(mutex_);
        outcomes_.emplace_back(to_string(outcome));
    };
    test::SshServer server_{std::string(kLogin), password_};
    FakeMachines machines_{server_};
    std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
    std::set<std::string> sentences_;
    Jobs jobs_{2};
    PlaybookProvider provider_{options(), jobs_, machines_};
};

TEST_F(PlaybookProviderTest, TheMachineIsThereOnceItsPlaybookIsDone) {
    tasks(fmt::format("    - name: make the mark\n      raw: echo done >> {}\n", mark_.string()));
    const ProviderAnswer first = create();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->presence, Presence::pending);
    const ProviderAnswer made = created();
    ASSERT_TRUE(made) << made.error().message << log_->text();
    EXPECT_EQ(made->presence, Presence::running);
    EXPECT_TRUE(made->proven);
    EXPECT_EQ(whole(mark_), "done\n");
    EXPECT_THAT(log_->text(), AllOf(HasSubstr("running the playbook web.yml on oct-1 (127.0.0.1)\n"),
                                    HasSubstr("TASK [make the mark] "), HasSubstr("changed: [oct-1]\n"),
                                    HasSubstr("the playbook web.yml is done, after ")));
    EXPECT_THAT(sentences_, Contains(HasSubstr("running the playbook web.yml")));
    EXPECT_FALSE(fs::exists(runs_ / "oct-1"));
    EXPECT_EQ(outcomes_, std::vector<std::string>{"done"});
    // The answer may be lost before it is recorded, and then the same is asked again.
    EXPECT_EQ(create()->presence, Presence::running);
    EXPECT_EQ(run(provider_.observe(target(), spec(), 15s))->presence, Presence::running);
    EXPECT_EQ(whole(mark_), "done\n");
}

TEST_F(PlaybookProviderTest, OneThatIsReadyIsLeftAlone) {
    tasks("    - raw: 'false'\n");
    machines_.there.insert("oct-1");
    const ProviderAnswer seen = run(provider_.observe(target(), spec_of_a_ready_one(), 15s));
    EXPECT_EQ(seen->presence, Presence::running);
    EXPECT_FALSE(seen->unfinished);
    EXPECT_EQ(run(provider_.update(target(), spec_of_a_ready_one(), 15s))->presence, Presence::running);
    EXPECT_EQ(run(provider_.create(target(), spec_of_a_ready_one(), 15s))->presence, Presence::running);
    EXPECT_EQ(server_.tries(), 0);
}

// What a look must not do: it says that something is left to be done.
TEST_F(PlaybookProviderTest, ALookBeginsNothing) {
    tasks("    - raw: 'true'\n");
    machines_.there.insert("oct-1");
    const ProviderAnswer seen = run(provider_.observe(target(), spec(), 15s));
    EXPECT_EQ(seen->presence, Presence::running);
    EXPECT_TRUE(seen->unfinished);
    EXPECT_FALSE(jobs_.look("fake/oct-1"));
}

TEST_F(PlaybookProviderTest, AFailureIsThePlaybooksAndFinal) {
    tasks(
        "    - name: first\n      raw: 'true'\n    - name: install nginx\n      raw: 'echo no such package >&2; "
        "exit 7'\n");
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(made.error().message,
                HasSubstr("the plan's playbook failed at task 2: install nginx: non-zero return code"));
    const ProviderAnswer seen = run(provider_.observe(target(), spec(), 15s));
    EXPECT_EQ(seen->presence, Presence::failed);
    EXPECT_EQ(seen->detail, made.error().message);
    EXPECT_TRUE(gone());
    EXPECT_FALSE(machines_.there.contains("oct-1"));
    EXPECT_EQ(outcomes_, std::vector<std::string>{"failed"});
}

TEST_F(PlaybookProviderTest, AMachineThatCannotBeReachedIsTriedAgain) {
    tasks("    - raw: 'true'\n");
    server_.refuse();
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::transient);
    EXPECT_THAT(made.error().message, HasSubstr("the plan's playbook could not reach the machine at task 1: raw"));
    EXPECT_EQ(outcomes_, std::vector<std::string>{"unreachable"});
    EXPECT_EQ(create()->presence, Presence::pending) << "the next try";
    EXPECT_TRUE(gone());
}

TEST_F(PlaybookProviderTest, WhoHasAnotherHostKeyIsToldNoPassword) {
    tasks("    - raw: 'true'\n");
    machines_.fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::transient);
    EXPECT_THAT(made.error().message, HasSubstr("another host key"));
    EXPECT_EQ(server_.tries(), 0);
}

TEST_F(PlaybookProviderTest, OneThatIsForOtherHostsIsNoSuccess) {
    tasks("    - raw: 'true'\n", "webservers");
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(made.error().message, HasSubstr("have to name hosts: all"));
}

TEST_F(PlaybookProviderTest, AMistakeInItIsTold) {
    std::ofstream(playbook_) << "- hosts: [\n";
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(made.error().message, HasSubstr("the plan's playbook failed before its first task: "));
}

TEST_F(PlaybookProviderTest, WhatCannotBeRunIsRefusedBeforeThereIsAMachine) {
    const ProviderAnswer unreadable = create();
    ASSERT_FALSE(unreadable);
    EXPECT_EQ(unreadable.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(unreadable.error().message, AllOf(HasSubstr("cannot be read"), Not(HasSubstr(place_.string()))));
    tasks("    - raw: 'true'\n");
    PlaybookOptions without = options();
    without.find = [] { return Programs{}; };
    PlaybookProvider provider(std::move(without), jobs_, machines_);
    const ProviderAnswer refused = create(provider);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("ansible-playbook and sshpass are not installed"));
    EXPECT_TRUE(machines_.there.empty());
}

TEST_F(PlaybookProviderTest, OneThatTakesTooLongIsEnded) {
    limit_ = 8s;
    tasks(fmt::format("    - name: wait\n      raw: echo $$ > {}; sleep 600\n", mark_.string()));
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(made.error().message,
                HasSubstr("the plan's playbook did not end within 8.0 s: it was at task 1: wait"));
    EXPECT_EQ(outcomes_, std::vector<std::string>{"late"});
    EXPECT_EQ(end_leftovers(runs_), 0U);
}

TEST_F(PlaybookProviderTest, ARemovalStopsItAtOnce) {
    tasks(fmt::format("    - name: wait\n      raw: echo $$ > {}; sleep 600\n", mark_.string()));
    ASSERT_TRUE(create());
    ASSERT_TRUE(soon([&] { return whole(mark_).ends_with('\n'); }));
    const pid_t shell = std::stoi(whole(mark_));
    EXPECT_TRUE(gone());
    EXPECT_FALSE(machines_.there.contains("oct-1"));
    EXPECT_EQ(end_leftovers(runs_), 0U);
    EXPECT_FALSE(fs::exists(runs_ / "oct-1"));
    EXPECT_TRUE(soon([&] { return ::kill(shell, 0) != 0; })) << "on the machine it ends with its connection";
    EXPECT_EQ(outcomes_, std::vector<std::string>{"stopped"});
}

TEST_F(PlaybookProviderTest, TheEndOfTheBrokerStopsItAndTheNextOneRunsItFromItsBeginning) {
    tasks(
        fmt::format("    - name: first\n      raw: echo first >> {0}\n"
                    "    - name: wait\n      raw: test -e {0}.go || sleep 600\n",
                    mark_.string()));
    {
        Jobs jobs(2);
        PlaybookProvider earlier(options(), jobs, machines_);
        ASSERT_TRUE(create(earlier));
        ASSERT_TRUE(soon([&] { return server_.commands().size() >= 2; }));
    }
    EXPECT_EQ(end_leftovers(runs_), 0U);
    EXPECT_EQ(outcomes_, std::vector<std::string>{"stopped"});
    std::ofstream(mark_.string() + ".go");
    const ProviderAnswer made = created();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->presence, Presence::running);
    EXPECT_EQ(whole(mark_), "first\nfirst\n");
}

// Helpers of Ansible begin sessions of their own: whatever a crash of the broker leaves, the next one ends it.
TEST_F(PlaybookProviderTest, WhatACrashLeftIsEndedByTheNextStart) {
    fs::create_directories(runs_ / "oct-1");
    std::ofstream(runs_ / "oct-1" / "inventory.json") << "{}";
    SpawnParts with;
    ::posix_spawnattr_setflags(&with.attributes_, POSIX_SPAWN_SETSID);
    const auto begin = [&](const fs::path& run) {
        std::vector<std::string> words{"/bin/sleep", "600"};
        std::vector<std::string> variables{fmt::format("{}={}", kRunVariable, run.string())};
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, "/bin/sleep", &with.actions_, &with.attributes_, pointers(words).data(),
                                pointers(variables).data()),
                  0);
        return pid;
    };
    const pid_t ours = begin(runs_ / "oct-1");
    const pid_t anothers = begin(place_ / "runs-of-another" / "oct-1");
    PlaybookProvider::clear(runs_);
    int status = 0;
    EXPECT_EQ(::waitpid(ours, &status, 0), ours);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(::waitpid(anothers, &status, WNOHANG), 0) << "nobody else's";
    EXPECT_FALSE(fs::exists(runs_));
    ::kill(anothers, SIGKILL);
    ::waitpid(anothers, &status, 0);
}

TEST_F(PlaybookProviderTest, OthersWaitForTheirTurn) {
    tasks(fmt::format("    - raw: test -e {0} || sleep 600\n", mark_.string()));
    Jobs one(1);
    PlaybookProvider provider(options(), one, machines_);
    ASSERT_TRUE(create(provider, "oct-1"));
    const ProviderAnswer second = create(provider, "oct-2");
    EXPECT_EQ(second->detail, "waiting for its turn to run the playbook web.yml (0 before it)");
    EXPECT_EQ(run(provider.remove(target("oct-2"), spec(), 15s))->presence, Presence::absent);
}

// While it runs, and afterwards: in no argument, no environment, no file, no line.
TEST_F(PlaybookProviderTest, ThePasswordIsNowhere) {
    tasks(fmt::format(
        "    - name: show it\n      debug: {{var: ansible_password}}\n"
        "    - name: say it\n      raw: echo \"$SSH_{{{{ 'x' }}}}\" '{{{{ ansible_password | length }}}}'\n"
        "    - name: wait\n      raw: touch {0}; while ! test -e {0}.go; do sleep 0.1; done\n"
        "    - name: fail with it\n      raw: cat {0}.said >&2; false\n",
        mark_.string()));
    std::ofstream(mark_.string() + ".said") << "it is " << password_.reveal() << "\n";
    ASSERT_TRUE(create());
    ASSERT_TRUE(soon([&] { return fs::exists(mark_); }));
    const std::string core = "pa{{ 7*7 }}";
    int seen = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string environment = whole(entry.path() / "environ");
        if (!environment.contains(runs_.string())) continue;
        ++seen;
        EXPECT_THAT(environment, Not(HasSubstr(core)));
        EXPECT_THAT(whole(entry.path() / "cmdline"), Not(HasSubstr(core)));
    }
    EXPECT_GE(seen, 3) << "ansible-playbook, its worker and ssh";
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(runs_)) {
        if (!entry.is_regular_file()) continue;
        ++files;
        EXPECT_THAT(whole(entry.path()), Not(HasSubstr(core))) << entry.path();
    }
    EXPECT_GE(files, 2);
    std::ofstream(mark_.string() + ".go");
    const ProviderAnswer made = created();
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, AllOf(HasSubstr("it is ********"), Not(HasSubstr(core))));
    EXPECT_THAT(log_->text(),
                AllOf(HasSubstr("\"ansible_password\": \"********\""), Not(HasSubstr(core)), HasSubstr("say it")));
    for (const std::string& sentence : sentences_) EXPECT_THAT(sentence, Not(HasSubstr(core)));
}

// A setting beside the playbook is the operator's, and what must not be changed is not.
TEST_F(PlaybookProviderTest, SettingsBesideThePlaybookHoldButForOurs) {
    std::ofstream(place_ / "ansible.cfg") << "[defaults]\nstdout_callback = minimal\nhost_key_checking = False\n"
                                             "nocows = False\nroles_path = ./my-roles\n[ssh_connection]\n"
                                             "ssh_args = -o ControlMaster=auto -o ControlPersist=600\n";
    fs::create_directories(place_ / "my-roles" / "base" / "tasks");
    std::ofstream(place_ / "my-roles" / "base" / "tasks" / "main.yml") << "- name: of the role\n  raw: 'true'\n";
    std::ofstream(playbook_) << "- hosts: all\n  gather_facts: false\n  roles: [base]\n";
    const ProviderAnswer made = created();
    ASSERT_TRUE(made) << made.error().message << log_->text();
    EXPECT_THAT(log_->text(), HasSubstr("TASK [base : of the role] "));
    EXPECT_EQ(end_leftovers(runs_), 0U) << "no connection that stays";
}

TEST_F(PlaybookProviderTest, ModulesOfPythonWorkToo) {
    tasks(fmt::format("    - name: a real module\n      copy: {{dest: {}, content: 'by a module'}}\n",
                      mark_.string()));
    const ProviderAnswer made = created();
    ASSERT_TRUE(made) << made.error().message << log_->text();
    EXPECT_EQ(whole(mark_), "by a module");
}

}  // namespace
}  // namespace slipway::playbooks
