#include "load/pong.h"

#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/json.h"
#include "load/line_client.h"

namespace slipway::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStartLimit = std::chrono::seconds(10);
constexpr auto kEndLimit = std::chrono::seconds(60);
constexpr auto kBetweenLooks = std::chrono::milliseconds(5);
constexpr std::string_view kPassword = "bench-only";

// A child that is killed and waited for when it goes out of sight.
class Child {
  public:
    static Result<Child> start(std::vector<std::string> words, const std::filesystem::path& output);
    explicit Child(pid_t pid) : pid_(pid) {}
    ~Child() { stop(); }
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Child& operator=(Child&&) = delete;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void stop() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }

  private:
    pid_t pid_;
};

Result<Child> Child::start(std::vector<std::string> words, const std::filesystem::path& output) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = -1;
    const int failed = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return fail(ErrorCode::unavailable,
                    fmt::format("{}: {}", words[0], std::generic_category().message(failed)));
    }
    return Child(pid);
}

// Where a URL of the Redis face leads. Its host name is not looked up: what is measured is not the resolver.
struct Place {
    std::string password;
    std::string name;
    std::uint16_t port = 0;
};
Result<Place> place_of(std::string_view url) {
    const std::size_t colon = url.find(':', url.find("//") + 2);
    const std::size_t at = url.rfind('@');
    const std::size_t last = url.rfind(':');
    if (!url.starts_with("redis://") || at == std::string_view::npos || colon > at || last < at) {
        return fail(ErrorCode::malformed, "not a Redis URL with a password");
    }
    Place place;
    place.password = url.substr(colon + 1, at - colon - 1);
    place.name = url.substr(at + 1, url.find_first_of(".:", at + 1) - at - 1);
    place.port = static_cast<std::uint16_t>(std::stoul(std::string(url.substr(last + 1))));
    return place;
}

// One that still loads answers with an error: it is asked again.
Status until_pong(std::uint16_t port, std::string_view password) {
    const auto until = Clock::now() + kStartLimit;
    std::string said;
    while (Clock::now() < until) {
        auto client = LineClient::connect(port, kStartLimit);
        if (!client) return fail(client.error());
        if (Status sent = client->send(fmt::format("AUTH {}\r\nPING\r\n", password)); !sent) return sent;
        auto logged_in = client->line();
        auto pong = client->line();
        if (!logged_in || !pong) return fail((logged_in ? pong : logged_in).error());
        if (*pong == "+PONG") return {};
        said = *pong;
        pause_for(std::chrono::microseconds(100));
    }
    return fail(ErrorCode::timeout, "no PONG: " + said);
}

Result<Nanoseconds> fork_once(const ForkPong& wanted, const std::filesystem::path& directory) {
    const auto began = Clock::now();
    auto child = Child::start(
        {wanted.program, "--port", std::to_string(wanted.port), "--bind", "127.0.0.1", "--dir", directory.string(),
         "--save", "", "--appendonly", "yes", "--requirepass", std::string(kPassword), "--loglevel", "warning"},
        directory / "log");
    if (!child) return fail(child.error());
    if (Status pong = until_pong(wanted.port, kPassword); !pong) return fail(pong.error());
    return Nanoseconds(Clock::now() - began);
}

Result<json::object> ask_json(LineClient& broker, std::string_view method, std::string_view path,
                              const std::string& key, std::string_view body) {
    const auto reply = broker.http(method, path, key, body);
    if (!reply) return fail(reply.error());
    auto parsed = json::parse(reply->body);
    if (reply->status != 200 || !parsed || !parsed->is_object()) {
        return fail(ErrorCode::provider_failure,
                    fmt::format("{} {} was answered {}: {}", method, path, reply->status, reply->body));
    }
    return std::move(parsed->as_object());
}

Status until_pool_is_full(LineClient& broker, const BrokerPong& wanted) {
    const auto until = Clock::now() + kEndLimit;
    while (Clock::now() < until) {
        const auto found =
            ask_json(broker, "GET", "/api/v1/resources?pooled=true&state=ready&limit=1000", wanted.key, "");
        if (!found) return fail(found.error());
        if (found->at("resources").as_array().size() >= wanted.pooled) return {};
        pause_for(kBetweenLooks);
    }
    return fail(ErrorCode::timeout, "the pool was not filled again");
}

Status until_gone(LineClient& broker, const Place& place) {
    const std::string path = "/v1/redis/instance/" + place.name;
    if (const auto deleted = ask_json(broker, "DELETE", path, "", ""); !deleted) return fail(deleted.error());
    const auto until = Clock::now() + kEndLimit;
    while (Clock::now() < until) {
        const auto seen = broker.http("GET", path, "", "");
        if (!seen) return fail(seen.error());
        if (seen->status == 404) return {};
        pause_for(kBetweenLooks);
    }
    return fail(ErrorCode::timeout, "an instance was not removed");
}

Result<Nanoseconds> ask_once(LineClient& broker, const BrokerPong& wanted) {
    if (wanted.pooled > 0) {
        if (Status full = until_pool_is_full(broker, wanted); !full) return fail(full.error());
    }
    const auto began = Clock::now();
    const auto made = ask_json(broker, "POST", "/v1/redis/instance", "", wanted.body);
    if (!made) return fail(made.error());
    const auto place = place_of(json::get_string(*made, "REDIS_URL"));
    if (!place) return fail(place.error());
    if (Status pong = until_pong(place->port, place->password); !pong) return fail(pong.error());
    const Nanoseconds took(Clock::now() - began);
    if (Status gone = until_gone(broker, *place); !gone) return fail(gone.error());
    return took;
}

}  // namespace

Result<Histogram> fork_pong(const ForkPong& wanted) {
    Histogram times;
    for (std::size_t i = 0; i < wanted.count; ++i) {
        const auto directory = wanted.directory / fmt::format("fork-{}", i);
        std::filesystem::create_directory(directory);
        const auto took = fork_once(wanted, directory);
        std::filesystem::remove_all(directory);
        if (!took) return fail(took.error());
        times.add(*took);
    }
    return times;
}

Result<Histogram> broker_pong(const BrokerPong& wanted) {
    auto broker = LineClient::connect(wanted.port, kStartLimit);
    if (!broker) return fail(broker.error());
    Histogram times;
    for (std::size_t i = 0; i < wanted.count; ++i) {
        const auto took = ask_once(*broker, wanted);
        if (!took) return fail(took.error());
        times.add(*took);
    }
    return times;
}

}  // namespace slipway::bench
