// The consoles of real machines, virtual and containers: what they print is read, and who types there is let in.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "libvirt_subject.h"
#include "lxc_subject.h"
#include "providers/machines/consoles.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

// Somebody at the console of a machine.
template <class S>
class Sitting {
  public:
    Sitting(S& subject, std::string name)
        : subject_(subject),
          name_(std::move(name)),
          consoles_(target_of(name_).installation, subject_.client()),
          resource_(of(name_)) {}

    // Reads on until this was printed after all that was waited for before.
    bool shows(const std::string& text, std::chrono::milliseconds limit = 60s) {
        return eventually(
            [&] {
                const Result<ConsoleOutput> more = subject_.run(consoles_.read(resource_, from_, 5s));
                if (!more) return false;
                from_.after = more->next;
                shown_ += more->bytes;
                lost_ = lost_ || more->lost;
                const std::size_t at = shown_.find(text, seen_);
                if (at == std::string::npos) return false;
                seen_ = at + text.size();
                return true;
            },
            limit);
    }
    Status type(const std::string& text) { return subject_.run(consoles_.type(resource_, Secret(text), 5s)); }
    // Once it reads: a machine that only begins to run has nobody who does.
    bool types(const std::string& text) {
        return eventually([&] { return type(text).has_value(); }, 20s);
    }
    void log_in(const std::string& user, const std::string& password) {
        EXPECT_TRUE(types("\r"));
        ASSERT_TRUE(shows("login: ")) << shown_;
        ASSERT_TRUE(types(user + "\r"));
        ASSERT_TRUE(shows("Password: ")) << shown_;
        ASSERT_TRUE(types(password + "\r"));
        ASSERT_TRUE(shows("$ ")) << shown_;
    }
    [[nodiscard]] const std::string& shown() const { return shown_; }
    [[nodiscard]] bool lost() const { return lost_; }

  private:
    static Resource of(const std::string& name) {
        const Target target = target_of(name);
        Resource resource;
        resource.id = target.resource;
        resource.name = name;
        resource.kind = Kind::machine;
        resource.external_name = name;
        resource.generation = target.generation;
        return resource;
    }

    S& subject_;
    std::string name_;
    machines::HelperConsoles consoles_;
    Resource resource_;
    ConsoleFrom from_;
    std::string shown_;
    std::size_t seen_ = 0;
    bool lost_ = false;
};

// Files that hold the text; images and disks, which the guests write themselves, are not looked into.
std::vector<std::string> files_with(const std::string& directory, const std::string& text) {
    std::vector<std::string> found;
    for (const fs::directory_entry& each : fs::recursive_directory_iterator(directory)) {
        if (!each.is_regular_file() || each.path().string().contains(".roots")) continue;
        if (file_text(each.path()).contains(text)) found.push_back(each.path());
    }
    return found;
}

template <class S>
class ConsoleTest : public ::testing::Test {
  protected:
    ~ConsoleTest() override {
        static_cast<void>(subject_.run(subject_.provider().remove(target_of(kName), spec_, 20s)));
        EXPECT_THAT(subject_.leftovers(), IsEmpty());
    }
    ProviderAnswer once() { return subject_.run(subject_.provider().create(target_of(kName), spec_, 20s)); }
    void make() {
        ProviderAnswer answer = Observation{};
        EXPECT_TRUE(eventually(
            [&] {
                answer = once();
                return !answer || answer->presence == Presence::running;
            },
            60s));
        ASSERT_TRUE(answer) << answer.error().message;
    }
    void nobody_hears() {
        Sitting<S> sitting(subject_, kName);
        Status typed;
        EXPECT_TRUE(eventually([&] { return !(typed = sitting.type("\r")); }));
        EXPECT_EQ(typed.error().code, ErrorCode::conflict) << typed.error().message;
    }
    void answers_at_its_prompt() {
        Sitting<S> sitting(subject_, kName);
        ASSERT_NO_FATAL_FAILURE(sitting.log_in("alice", kTenantCanary));
        ASSERT_TRUE(sitting.types("echo $((6 * 7))-was-computed\r"));
        EXPECT_TRUE(sitting.shows("42-was-computed")) << sitting.shown();
        EXPECT_FALSE(sitting.lost());
        // What was printed stays to be read by the next one, after a crash of the helper too.
        subject_.crash();
        Sitting<S> later(subject_, kName);
        EXPECT_TRUE(later.shows("42-was-computed")) << later.shown();
        ASSERT_TRUE(later.types("echo $((6 * 8))-was-computed\r"));
        EXPECT_TRUE(later.shows("48-was-computed")) << later.shown();
    }

    static inline const std::string kName = "seen";
    S subject_;
    Spec spec_ = subject_.spec();
};

using MachineConsoles = ConsoleTest<LibvirtSubject>;
using MachineConsolesOfContainers = ConsoleTest<LxcSubject>;

TEST_F(MachineConsoles, LetInWhoTypesNameAndPassword) {
    nobody_hears();
    make();
    answers_at_its_prompt();
    // It was typed there, and nowhere kept.
    EXPECT_THAT(files_with(subject_.directory(kName), kTenantCanary), IsEmpty());
    EXPECT_THAT(files_with(subject_.directory(subject_.daemon()), kTenantCanary), IsEmpty());
    subject_.make_stop(kName);
    nobody_hears();
}

// A guest that prints for ever fills nothing of the host.
TEST_F(MachineConsoles, OfOneThatPrintsForEverKeepTheEndAndTheirOffsets) {
    make();
    Sitting<LibvirtSubject> sitting(subject_, kName);
    ASSERT_NO_FATAL_FAILURE(sitting.log_in("alice", kTenantCanary));
    const std::string log = subject_.directory(kName) + "/data/console.log";
    const auto look = [&] {
        struct stat seen{};
        EXPECT_EQ(::stat(log.c_str(), &seen), 0);
        return seen;
    };
    const off_t before = look().st_size;
    ASSERT_TRUE(sitting.types("yes 0123456789012345678901234567890123456789012345678901234567890123456789\r"));
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return look().st_size > before + (5 << 20); }, 300s));
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    RecordProperty("bytes_per_second", fmt::format("{:.0f}", (5 << 20) / took));
    // While nobody reads it.
    EXPECT_TRUE(eventually([&] { return look().st_blocks * 512 <= 5 << 19; }, 20s)) << look().st_blocks;
    EXPECT_TRUE(sitting.shows("0123456789")) << "what is kept can be read";
    EXPECT_TRUE(sitting.lost()) << "and it is told that something is missing";
    ASSERT_TRUE(sitting.types("\x03"));
    ASSERT_TRUE(sitting.types("echo $((6 * 7))-was-computed\r"));
    EXPECT_TRUE(sitting.shows("42-was-computed")) << "and who types is heard";
}

TEST_F(MachineConsolesOfContainers, LetInWhoTypesNameAndPassword) {
    nobody_hears();
    make();
    answers_at_its_prompt();
    EXPECT_THAT(files_with(subject_.root(), kTenantCanary), IsEmpty());
    subject_.make_stop(kName);
    nobody_hears();
}

TEST_F(MachineConsolesOfContainers, AreReadOnAcrossTheFileThatBeginsAnew) {
    make();
    Sitting<LxcSubject> sitting(subject_, kName);
    ASSERT_TRUE(sitting.shows("login: "));
    subject_.inside(kName, "head -c 700000 /dev/zero | tr '\\0' x >/dev/console; echo >/dev/console one");
    ASSERT_TRUE(sitting.shows("one"));
    const auto before = std::ranges::count(sitting.shown(), 'y');
    subject_.inside(kName, "head -c 700000 /dev/zero | tr '\\0' y >/dev/console; echo >/dev/console two");
    ASSERT_TRUE(sitting.shows("two"));
    EXPECT_FALSE(sitting.lost());
    EXPECT_EQ(std::ranges::count(sitting.shown(), 'y') - before, 700'000) << "none twice, none missing";
    subject_.inside(kName, "head -c 4000000 /dev/zero | tr '\\0' z >/dev/console; echo >/dev/console three");
    ASSERT_TRUE(sitting.shows("three"));
    EXPECT_TRUE(sitting.lost()) << "of so much it is told that something is missing";
}

}  // namespace
}  // namespace slipway::testing
