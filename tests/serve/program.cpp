#include "program.h"

#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn_parts.h"
#include "faces/answer_recorder_test_support.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string exchange(std::uint16_t port, std::string_view bytes,
                     const std::function<bool(const std::string&)>& whole) {
    const Connection connection(port);
    return connection.send(bytes) ? connection.receive(whole) : std::string();
}

// One reply to AUTH and one to the command; a bulk string has its content on the line after its length.
std::vector<std::string> reply_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find("\r\n", begin)) != std::string::npos; begin = end + 2) {
        lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
}

std::string encode(const std::vector<std::string>& words) {
    std::string text = fmt::format("*{}\r\n", words.size());
    for (const std::string& word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return text;
}

// For tests/api/check.py, as the tests of the faces do.
void keep(const std::string& method, const std::string& target, const std::string& request_body,
          const std::string& head, const Answer& answer) {
    faces::test::RecordedAnswer kept{method, target, request_body, answer.status, {}, {}, answer.body};
    std::istringstream lines(head);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(": ");
        if (colon == std::string::npos) continue;
        if (line.ends_with('\r')) line.pop_back();
        kept.headers.emplace(line.substr(0, colon), line.substr(colon + 2));
        if (line.substr(0, colon) == "Content-Type") kept.content_type = line.substr(colon + 2);
    }
    faces::test::record(kept);
}

}  // namespace

Connection::Connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd_.reset();
}

bool Connection::send(std::string_view bytes) const {
    return fd_ && ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == std::ssize(bytes);
}

std::string Connection::receive(const std::function<bool(const std::string&)>& whole) const {
    // What does not come for so long does not come.
    constexpr ::timeval kLimit{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &kLimit, sizeof kLimit);
    std::string received;
    std::array<char, 4096> buffer{};
    while (!whole(received)) {
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        received.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return received;
}

Program::Program(std::vector<std::string> words, const std::map<std::string, std::string>& environment,
                 const std::string& log) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    output_.reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) variables.push_back(fmt::format("{}={}", name, value));
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    words.insert(words.begin(), "slipway");
    const int error = ::posix_spawn(&pid_, SLIPWAY_PROGRAM, &actions, nullptr, pointers(words).data(),
                                    pointers(variables).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("the program cannot be started");
}

Program::~Program() {
    if (!status_) {
        ::kill(pid_, SIGKILL);
        wait();
    }
}

bool Program::receive(milliseconds limit) {
    pollfd waited{output_.get(), POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(limit.count())) <= 0) return false;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
}

std::optional<std::string> Program::line(milliseconds limit) {
    const auto end = steady_clock::now() + limit;
    while (!received_.contains('\n')) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
        if (left.count() <= 0 || !receive(left)) return std::nullopt;
    }
    const std::size_t size = received_.find('\n');
    std::string found = received_.substr(0, size);
    received_.erase(0, size + 1);
    return found;
}

std::string Program::rest() {
    while (receive(std::chrono::seconds(20))) {
    }
    return std::exchange(received_, {});
}

void Program::signal(int number) const { ::kill(pid_, number); }

std::optional<int> Program::wait(milliseconds limit) {
    eventually(
        [this] {
            int status = 0;
            if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
                status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
            return status_.has_value();
        },
        limit);
    return status_;
}

json::object Answer::object() const {
    auto parsed = json::parse(body);
    if (parsed && parsed->is_object()) return parsed->get_object();
    ADD_FAILURE() << "no JSON object: " << status << " " << body;
    return {};
}

Site::Site() = default;

// By pid, until nothing is left: a server that is ended first may not start anything more.
Site::~Site() { clean_up(); }

void Site::clean_up() {
    program_.reset();
    // A server that is killed cannot tell by its exit status what a sanitizer found in it.
    EXPECT_TRUE(log_lines_with("Sanitizer").empty()) << log();
    eventually([this] {
        const auto left = processes();
        for (const agent::Process& each : left) kill_process(each);
        return left.empty();
    });
}

std::vector<std::string> Site::command(std::vector<std::string> words) const {
    std::vector<std::string> all{"serve", "--state-dir", state()};
    if (!config_.empty()) all.insert(all.end(), {"--config", config_});
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

void Site::start(std::vector<std::string> words, const std::map<std::string, std::string>& environment) {
    if (std::ranges::find(words, "--listen") == words.end()) words.insert(words.end(), {"--listen", "127.0.0.1:0"});
    const auto listeners = static_cast<std::size_t>(std::ranges::count(words, "--listen"));
    const auto begin = steady_clock::now();
    program_.emplace(command(std::move(words)), environment, log_path());
    ports_.clear();
    std::optional<std::string> line;
    for (std::size_t left = listeners; left > 0; --left) {
        line = program_->line();
        if (!line) break;
        ports_.push_back(static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':') + 1))));
    }
    start_time_ = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
    ASSERT_TRUE(line) << "it does not listen; its log:\n" << log();
    use_listener(0);
}

int Site::run_to_end(std::vector<std::string> words, const std::map<std::string, std::string>& environment) {
    Program other(command(std::move(words)), environment, log_path());
    EXPECT_EQ(other.rest(), "") << "nothing but addresses belongs on standard output";
    return other.wait().value_or(-1);
}

void Site::kill() {
    program_->signal(SIGKILL);
    ASSERT_EQ(program_->wait(), 128 + SIGKILL);
}

int Site::terminate() {
    program_->signal(SIGTERM);
    return program_->wait().value_or(-1);
}

Answer Site::request(const std::string& method, const std::string& target, const std::string& body,
                     const std::string& fields) const {
    const std::string text =
        exchange(port_,
                 fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
                             method, target, body.size(), fields, body),
                 [](const std::string&) { return false; });
    Answer answer;
    const std::size_t head = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || head == std::string::npos) return answer;
    std::from_chars(text.data() + 9, text.data() + 12, answer.status);
    answer.body = text.substr(head + 4);
    keep(method, target, body, text.substr(0, head), answer);
    return answer;
}

Answer Site::as_administrator(const std::string& method, const std::string& target, const std::string& body) const {
    return request(method, target, body, "Authorization: Bearer " + admin_key() + "\r\n");
}

std::string Site::admin_key() const {
    std::string key = file_text(state() + "/admin.key");
    if (!key.empty() && key.back() == '\n') key.pop_back();
    return key;
}

void Site::configure(const std::string& toml) {
    config_ = temp_.path() + "/slipway.toml";
    std::ofstream(config_) << toml;
}

std::vector<std::string> Site::log_lines_with(const std::string& text) const {
    std::istringstream in(log());
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);) {
        if (line.contains(text)) found.push_back(line);
    }
    return found;
}

std::vector<agent::Process> Site::engines(const std::string& name) const {
    const std::string wanted = fmt::format("{}/instances/{}", state(), name);
    std::vector<agent::Process> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        if (!fs::read_symlink(entry.path() / "cwd", error).string().starts_with(wanted)) continue;
        const std::optional<agent::ProcessStat> stat = agent::read_stat(std::stoi(pid));
        if (stat && stat->state != 'Z') found.push_back({std::stoi(pid), stat->start_time});
    }
    return found;
}

std::vector<agent::Process> Site::processes() const { return processes_below(state()); }

RedisUrl::RedisUrl(const std::string& text) {
    const std::string_view scheme = "redis://";
    EXPECT_TRUE(text.starts_with(scheme)) << text;
    std::string rest = text.substr(std::min(text.size(), scheme.size()));
    if (const std::size_t at = rest.rfind('@'); at != std::string::npos) {
        const std::string credentials = rest.substr(0, at);
        const std::size_t colon = credentials.find(':');
        user = credentials.substr(0, colon);
        password = credentials.substr(std::min(credentials.size(), colon + 1));
        rest = rest.substr(at + 1);
    }
    const std::size_t colon = rest.rfind(':');
    host = rest.substr(0, colon);
    name = host.substr(0, host.find('.'));
    if (colon != std::string::npos) std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), port);
}

std::string redis(const RedisUrl& url, const std::vector<std::string>& words) {
    const bool login = !url.password.empty();
    std::string bytes = login ? encode({"AUTH", url.user, url.password}) : "";
    const auto wanted = [login](const std::vector<std::string>& lines) -> std::size_t {
        const std::size_t first = login ? 1 : 0;
        const bool bulk = lines.size() > first && lines[first].starts_with('$') && lines[first] != "$-1";
        return first + (bulk ? 2 : 1);
    };
    bytes += encode(words);
    const auto lines = reply_lines(exchange(url.port, bytes, [&](const std::string& text) {
        const auto so_far = reply_lines(text);
        return so_far.size() >= wanted(so_far);
    }));
    if (lines.size() < wanted(lines) || (login && lines.front() != "+OK")) return {};
    return lines.back();
}

}  // namespace slipway::testing
