// Machines that begin as a template, restored from its saved state: each is one of its own all the same, and
// whatever is not possible is no failure.
#include <set>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gmock/gmock.h>
#include <libvirt/libvirt.h>
#include <sys/stat.h>

#include "libvirt_subject.h"
#include "ssh.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using boost::asio::experimental::awaitable_operators::operator&&;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace fs = std::filesystem;

const json::object kPlan{{"image", "tiny"}, {"cpus", 1}, {"memory", std::int64_t{96} << 20U}, {"warm", true}};

class MachinesWarm : public ::testing::Test {
  protected:
    Spec spec() {
        Spec spec = subject_.spec();
        spec.parameters["warm"] = true;
        return spec;
    }
    // Until there is one that machines can begin as.
    std::string make_template() {
        subject_.run(tended());
        const std::vector<std::string> names = subject_.templates();
        EXPECT_THAT(names, SizeIs(1));
        if (names.size() != 1) return {};
        EXPECT_TRUE(fs::exists(subject_.directory(names[0]) + "/frozen.state"));
        return names[0];
    }
    Task<bool> tended() {
        co_await subject_.libvirt().tend();
        co_return true;
    }
    // Until it runs, with a limit; `words` gets what was said meanwhile.
    ProviderAnswer make(const std::string& name, const Spec& spec, std::string* words = nullptr) {
        ProviderAnswer seen;
        EXPECT_TRUE(eventually(
            [&] {
                seen = subject_.run(subject_.libvirt().create(target_of(name), spec, 8s));
                if (seen && words != nullptr) *words += seen->detail + "\n";
                return !seen || seen->presence == Presence::running;
            },
            90s))
            << name;
        return seen;
    }
    struct Made {
        ProviderAnswer answer;
        std::string words;
    };
    // The same beside others.
    Task<Made> made(std::string name, Spec spec) {
        Made made;
        for (int i = 0; i < 200; ++i) {
            made.answer = co_await subject_.libvirt().create(target_of(name), spec, 8s);
            if (!made.answer || made.answer->presence == Presence::running) break;
            made.words += made.answer->detail + "\n";
        }
        co_return made;
    }
    // As a guest's own reboot does.
    [[nodiscard]] bool reset(const std::string& name) const {
        return subject_.at_daemon(name, [](virDomainPtr domain) { return ::virDomainReset(domain, 0); });
    }
    void remove(const std::string& name, const Spec& spec) {
        const ProviderAnswer gone = subject_.run(subject_.libvirt().remove(target_of(name), spec, 8s));
        EXPECT_TRUE(gone && gone->presence == Presence::absent);
    }
    std::string in(const Spec& of, const std::string& command) const {
        return in_machine(subject_.address(of), "alice", kTenantCanary, command);
    }
    std::string state_file(const std::string& machine) const {
        return subject_.directory(machine) + "/data/wake.state";
    }

    LibvirtSubject subject_{{kPlan}};
};

// Nothing of one is the other's: what was drawn, computed or read before the state was saved would be both's.
TEST_F(MachinesWarm, TwoThatBeginAtOnceAreTwoMachines) {
    make_template();
    const std::array<Spec, 2> specs{spec(), spec()};
    const auto [one, two] = subject_.run([&]() -> Task<std::pair<Made, Made>> {
        auto [first, second] = co_await (made("oct-1", specs[0]) && made("oct-2", specs[1]));
        co_return std::pair(std::move(first), std::move(second));
    }());
    ASSERT_TRUE(one.answer && two.answer) << one.words << two.words;
    std::set<std::string> own;
    for (const auto& [name, made] : {std::pair("oct-1", one), {"oct-2", two}}) {
        const Spec& spec = specs[own.empty() ? 0 : 1];
        EXPECT_TRUE(made.answer->proven) << "by a real login";
        EXPECT_THAT(made.words, HasSubstr("restored from a saved state"));
        EXPECT_EQ(in(spec, "hostname"), std::string(name) + "\n");
        EXPECT_EQ(in(spec, "cat /sys/class/net/eth0/address"), json::get_string(made.answer->handle, "mac") + "\n");
        const std::int64_t clock = std::atoll(in(spec, "date +%s").c_str());
        EXPECT_NEAR(static_cast<double>(clock), static_cast<double>(std::time(nullptr)), 2);
        EXPECT_FALSE(fs::exists(subject_.directory(name) + "/data/seed.iso")) << "its hash";
        EXPECT_FALSE(fs::exists(state_file(name)));
        own.insert(json::get_string(made.answer->handle, "host_key"));
        for (const char* drawn : {"boot_id", "uuid"}) {
            own.insert(in(spec, fmt::format("cat /proc/sys/kernel/random/{}", drawn)));
        }
        own.insert(in(spec, "head -c 32 /dev/urandom | od -t x1"));
        own.insert(in(spec, "ip -o address show dev eth0 | tr -s ' ' | cut -d ' ' -f 4 | head -n 1"));
    }
    EXPECT_THAT(own, SizeIs(10)) << fmt::format("{}", fmt::join(own, ""));
    EXPECT_THAT(own, ::testing::Each(Not(HasSubstr("failed"))));
    for (int i = 0; i < 2; ++i) remove(fmt::format("oct-{}", i + 1), specs[static_cast<std::size_t>(i)]);
}

// The state fits its disk once, at its beginning: everything later is a start like any other's.
TEST_F(MachinesWarm, EveryLaterStartIsFromItsDisk) {
    make_template();
    const Spec wanted = spec();
    const ProviderAnswer first = make("oct-1", wanted);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_THAT(in(wanted, "echo kept >kept && sync && cat /proc/cmdline"), HasSubstr("slipway.warm"));
    const auto goes_on = [&](const char* what) {
        std::string said;
        EXPECT_TRUE(eventually(
            [&] {
                said = in(wanted, "cat kept /proc/cmdline; hostname");
                return said.starts_with("kept\n") && !said.contains("slipway.warm");
            },
            60s))
            << what << ": " << said;
        const ProviderAnswer again = make("oct-1", wanted);
        ASSERT_TRUE(again) << what;
        EXPECT_EQ(json::get_string(again->handle, "host_key"), json::get_string(first->handle, "host_key")) << what;
    };
    ASSERT_TRUE(reset("oct-1"));
    goes_on("reset");
    subject_.make_stop("oct-1");
    ASSERT_TRUE(make("oct-1", wanted));
    goes_on("killed");
    // It needs neither its template nor that plan any more.
    subject_.crash_and_want({});
    subject_.run(tended());
    EXPECT_THAT(subject_.templates(), IsEmpty());
    subject_.make_stop("oct-1");
    ASSERT_TRUE(make("oct-1", wanted));
    goes_on("killed without its template");
    remove("oct-1", wanted);
    EXPECT_THAT(subject_.leftovers(), IsEmpty());
}

TEST_F(MachinesWarm, WithoutATemplateThatIsGoodTheyBoot) {
    const Spec early = spec();
    std::string words;
    ASSERT_TRUE(make("oct-1", early, &words));
    EXPECT_THAT(words, Not(HasSubstr("restored"))) << "the first is not kept waiting";
    remove("oct-1", early);

    using Harm = std::function<std::string(const std::string& whole)>;
    int number = 1;
    for (const Harm& harm :
         {Harm([](const std::string& whole) { return whole.substr(0, 50); }),
          Harm([](const std::string& whole) { return whole.substr(0, whole.size() / 2); }),
          Harm([](const std::string& whole) { return whole.substr(0, 200'000) + std::string(99'999, 'x'); })}) {
        subject_.crash();  // else it would not be tried again so soon
        const std::string frozen = subject_.directory(make_template()) + "/frozen.state";
        const std::string broken = harm(file_text(frozen));
        std::ofstream(frozen, std::ios::binary | std::ios::trunc) << broken;
        const std::string name = fmt::format("oct-{}", ++number);
        const Spec wanted = spec();
        words.clear();
        const ProviderAnswer seen = make(name, wanted, &words);
        ASSERT_TRUE(seen && seen->proven) << words;
        EXPECT_THAT(words, Not(HasSubstr("restored"))) << name;
        EXPECT_EQ(in(wanted, "hostname"), name + "\n");
        EXPECT_THAT(in(wanted, "cat /proc/cmdline"), Not(HasSubstr("slipway.warm")));
        remove(name, wanted);
        subject_.run(tended());
        EXPECT_THAT(subject_.templates(), IsEmpty()) << "there is no other at once";
    }
}

TEST_F(MachinesWarm, ATemplateGoesWithItsImageAndIsNoMachine) {
    const std::string name = make_template();
    // Nobody but the helper reads it.
    for (const char* each : {"/frozen.state", "/frozen.qcow2"}) {
        struct stat seen{};
        ASSERT_EQ(::stat((subject_.directory(name) + each).c_str(), &seen), 0);
        EXPECT_EQ(seen.st_uid, ::geteuid());
        EXPECT_EQ(seen.st_mode & 0777U, 0600U);
    }
    EXPECT_TRUE(fs::is_empty(subject_.directory(name) + "/data"));
    const auto page = subject_.run(subject_.libvirt().inventory("", 8s));
    ASSERT_TRUE(page);
    EXPECT_THAT(page->items, IsEmpty());
    EXPECT_TRUE(subject_.run(subject_.libvirt().rest(10s)));
    EXPECT_FALSE(fs::exists("/run/netns/slipway-" + subject_.network())) << "nothing is kept up for a template";

    subject_.crash();
    subject_.run(tended());
    EXPECT_THAT(subject_.templates(), ::testing::ElementsAre(name)) << "it outlives the server";
    subject_.find_images_by([](const std::string&) { return fail(ErrorCode::not_found, "it was removed"); });
    subject_.run(tended());
    EXPECT_THAT(subject_.templates(), IsEmpty());
    EXPECT_THAT(subject_.leftovers(), IsEmpty());
}

TEST_F(MachinesWarm, OneThatIsNotWholeIsMadeAnew) {
    const std::string name = make_template();
    fs::remove(subject_.directory(name) + "/frozen.state");
    const Spec wanted = spec();
    const ProviderAnswer seen = make("oct-1", wanted);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_TRUE(seen->proven) << "with a disk of its own";
    remove("oct-1", wanted);
    // As after a crash in the middle of it.
    subject_.crash();
    EXPECT_EQ(make_template(), name);
    EXPECT_THAT(subject_.guests(), IsEmpty());
}

TEST_F(MachinesWarm, TheOneThatIsBeingMadeIsGivenUpWithTheServer) {
    const bool rested = subject_.run([&]() -> Task<bool> {
        co_await (tended() && [this]() -> Task<bool> {
            boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
            while (subject_.guests().empty()) {
                timer.expires_after(20ms);
                co_await timer.async_wait(boost::asio::use_awaitable);
            }
            co_return static_cast<bool>(co_await subject_.libvirt().rest(20s));
        }());
        co_return true;
    }());
    EXPECT_TRUE(rested);
    EXPECT_THAT(subject_.guests(), IsEmpty());
    EXPECT_THAT(subject_.templates(), IsEmpty());
    EXPECT_FALSE(fs::exists("/run/netns/slipway-" + subject_.network()));
}

TEST_F(MachinesWarm, AnImageThatCannotWaitIsRefusedInSoManyWords) {
    subject_.find_images_by([](const std::string& name) {
        auto image = find_test_image(name);
        if (image) image->warm_cmdline.clear();
        return image;
    });
    const Spec wanted = spec();
    const ProviderAnswer seen = subject_.run(subject_.libvirt().create(target_of("oct-1"), wanted, 8s));
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().error_class, ErrorClass::permanent);
    EXPECT_THAT(seen.error().message,
                HasSubstr("restored from a saved state (warm), which the image tiny does not"));
    EXPECT_THAT(subject_.leftovers(), IsEmpty());
}

}  // namespace
}  // namespace slipway::testing
