#include <array>

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include "agent/server.h"

namespace slipway::agent {
namespace {

// What `start` starts. The other programs that the helper knows it runs with words of its own only.
constexpr std::array<std::string_view, 4> kEngines{"redis-server", "memcached", "mariadbd", "postgres"};

Answer<FileContent> file_of(const json::object& from) {
    FileContent file{json::get_string(from, "file"), json::get_string(from, "content")};
    if (!valid_file(file.file))
        return refuse(FailureCode::invalid, "a file's name must match [a-z0-9][a-z0-9._-]{0,63}");
    if (file.content.size() > kMaxFile) return refuse(FailureCode::invalid, "the file is too large");
    return file;
}

Answer<std::string> name_of(const json::object& from) {
    std::string name = json::get_string(from, "name");
    if (!valid_name(name)) return refuse(FailureCode::invalid, "an instance's name must match [a-z0-9-]{1,63}");
    return name;
}

Answer<Identity> owner_of(const json::object& from) {
    std::optional<Identity> identity = identity_of(from);
    if (!identity) return refuse(FailureCode::invalid, "installation, resource and generation must be given");
    return std::move(*identity);
}

Answer<std::vector<std::string>> args_of(const json::object& from) {
    std::vector<std::string> args;
    const json::value* found = from.if_contains("args");
    if (found == nullptr || !found->is_array() || found->as_array().size() > kMaxArguments) {
        return refuse(FailureCode::invalid, "args must be a short array");
    }
    for (const json::value& each : found->as_array()) {
        if (!each.is_string() || !valid_argument(each.as_string())) {
            return refuse(FailureCode::invalid, "an argument must be short printable text");
        }
        args.emplace_back(each.as_string());
    }
    return args;
}

std::uint64_t positive(const json::object& from, std::string_view key) {
    const std::int64_t value = json::get_int(from, key);
    return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

int number_of(Signal signal) {
    switch (signal) {
        case Signal::terminate: return SIGTERM;
        case Signal::interrupt: return SIGINT;
        case Signal::kill: return SIGKILL;
    }
    return SIGTERM;
}

// Whatever the lock file says was written before the engine ran, but a broken engine may have written to it since:
// nothing of another uid is ever signalled.
bool runs_as(const Process& process, uid_t uid) {
    struct stat seen{};
    return ::stat(fmt::format("/proc/{}", process.pid).c_str(), &seen) == 0 && seen.st_uid == uid;
}

}  // namespace

Answer<json::object> Handler::hello() const {
    const Rights& rights = instances_.rights();
    return to_json(Hello{kProtocolVersion, rights.isolation, rights.uid, rights.uid_first, rights.uid_last,
                         programs_, machines_.places().root, machines_.places().images});
}

Answer<json::object> Handler::create(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const json::value* meta = request.if_contains("meta");
    const json::value* files = request.if_contains("files");
    if (meta == nullptr || !meta->is_object() || files == nullptr || !files->is_array() ||
        files->as_array().size() > 8) {
        return refuse(FailureCode::invalid, "meta must be an object and files a short array");
    }
    std::vector<FileContent> contents;
    for (const json::value& each : files->as_array()) {
        if (!each.is_object()) return refuse(FailureCode::invalid, "a file must be an object");
        Answer<FileContent> file = file_of(each.as_object());
        if (!file) return std::unexpected(file.error());
        contents.push_back(std::move(*file));
    }
    const Answer<Seed> seed = seed_of(request);
    if (!seed) return std::unexpected(seed.error());
    const Answer<SeedData> data = seed_data(*seed, meta->as_object());
    if (!data) return std::unexpected(data.error());
    const Answer<bool> made = instances_.create(*name, meta->as_object(), contents, *data);
    if (!made) return std::unexpected(made.error());
    if (!json::get_bool(request, "start_follows")) {
        if (const Answer<void> settled = instances_.settle(*name); !settled)
            return std::unexpected(settled.error());
    }
    return json::object{{"made", *made}};
}

Answer<SeedData> Handler::seed_data(const Seed& seed, const json::object& meta) {
    if (seed.name.empty()) return SeedData();
    if (!seed.from.empty()) return warm_seed(seed, json::get_string(meta, "installation"));
    if (seed.name == kContainerSeedName) return containers_.seed(seed);
    if (seed.name == kMachineSeed || seed.name == kDaemonSeed) return machines_.seed(seed);
    const std::string& program = Templates::program_of(seed);
    const auto found = programs_.find(program);
    if (found == programs_.end() || found->second.empty()) {
        return refuse(FailureCode::unsupported, program + " is not installed");
    }
    return [this, seed, path = found->second](int directory, uid_t uid) {
        return templates_.seed(seed, path, directory, uid);
    };
}

Answer<json::object> Handler::write(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const Answer<Identity> owner = owner_of(request);
    if (!owner) return std::unexpected(owner.error());
    const Answer<FileContent> file = file_of(request);
    if (!file) return std::unexpected(file.error());
    const Answer<bool> changed = instances_.write(*name, *owner, *file);
    if (!changed) return std::unexpected(changed.error());
    return json::object{{"changed", *changed}};
}

Answer<Launch> Handler::check_start(const json::object& request) const {
    Launch plan;
    plan.program = json::get_string(request, "program");
    const auto program = programs_.find(plan.program);
    const bool listed = std::ranges::find(kEngines, plan.program) != kEngines.end();
    if (program == programs_.end() || !listed)
        return refuse(FailureCode::invalid, "this program is not on the list");
    if (program->second.empty()) return refuse(FailureCode::unsupported, plan.program + " is not installed");
    plan.path = program->second;
    plan.by_paths = Templates::asks_for_paths(plan.program);
    plan.own_mount = Templates::walks_paths(plan.program) && instances_.rights().isolation;
    // PostgreSQL looks beside itself for what belongs to it.
    if (plan.by_paths) plan.program = plan.path;
    plan.stale = Templates::stale_file(json::get_string(request, "program"));
    Answer<std::vector<std::string>> args = args_of(request);
    if (!args) return std::unexpected(args.error());
    plan.args = std::move(*args);
    plan.stdin_file = json::get_string(request, "stdin");
    if (!plan.stdin_file.empty() && !valid_file(plan.stdin_file)) {
        return refuse(FailureCode::invalid, "the input's name is not that of a file of an instance");
    }
    plan.tag = json::get_string(request, "tag");
    if (!valid_tag(plan.tag)) {
        return refuse(FailureCode::invalid, "the tag must be short printable text");
    }
    plan.open_files = positive(request, "open_files");
    plan.file_size = positive(request, "file_size");
    plan.memory = positive(request, "memory");
    return plan;
}

Answer<json::object> Handler::start(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    Answer<Launch> plan = check_start(request);
    if (!plan) return std::unexpected(plan.error());
    const Answer<UniqueFd> directory = instances_.directory(*name);
    if (!directory) return std::unexpected(directory.error());
    const Answer<InstanceStatus> status = instances_.status(*name);
    if (!status) return std::unexpected(status.error());
    if (!status->damage.empty()) return refuse(FailureCode::foreign, status->damage);
    if (status->held) {
        if (!status->process) return refuse(FailureCode::busy, "a remainder of an earlier process still lives");
        return to_json(Started{*status->process, status->tag, true});
    }
    const Answer<uid_t> uid = instances_.uid_of(*status);
    if (!uid) return std::unexpected(uid.error());
    plan->directory = directory->get();
    plan->change_uid = instances_.rights().isolation;
    plan->uid = *uid;
    plan->gid = *uid;
    const Answer<Process> process = launch(*plan, checkpoint_);
    if (!process) return std::unexpected(process.error());
    // The disk works while the engine starts; nobody is told of it before both are done.
    if (const Answer<void> settled = instances_.settle(*name); !settled) return std::unexpected(settled.error());
    return to_json(Started{*process, plan->tag, false});
}

Answer<json::object> Handler::signal(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const std::optional<Signal> signal = parse_signal(json::get_string(request, "signal"));
    if (!signal) return refuse(FailureCode::invalid, "the signal is not on the list");
    const std::optional<Process> wanted = process_of(request);
    if (!wanted) return refuse(FailureCode::invalid, "pid and start_time must name a process");
    const Answer<InstanceStatus> status = instances_.status(*name);
    if (!status) return std::unexpected(status.error());
    if (!status->process || *status->process != *wanted) return json::object{{"sent", false}};
    const Answer<uid_t> uid = instances_.uid_of(*status);
    if (!uid) return std::unexpected(uid.error());
    const UniqueFd pidfd = open_pidfd(*wanted);
    if (!pidfd || !runs_as(*wanted, *uid)) return json::object{{"sent", false}};
    return json::object{{"sent", send_signal(pidfd, number_of(*signal))}};
}

Answer<json::object> Handler::kill_rest(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const Answer<Identity> owner = owner_of(request);
    if (!owner) return std::unexpected(owner.error());
    const Answer<UniqueFd> directory = instances_.directory(*name);
    if (!directory) return std::unexpected(directory.error());
    const Answer<InstanceStatus> status = instances_.status(*name);
    if (!status) return std::unexpected(status.error());
    if (identity_of(status->meta) != *owner)
        return refuse(FailureCode::foreign, "the name belongs to something else");
    const UniqueFd lock = instances_.lock_file(directory->get());
    if (!lock || !status->held) return json::object{{"killed", 0}};
    int killed = 0;
    for (const Process& each : lock_holders(lock.get())) {
        const UniqueFd pidfd = open_pidfd(each);
        if (pidfd && send_signal(pidfd, SIGKILL)) ++killed;
    }
    return json::object{{"killed", killed}};
}

Answer<json::object> Handler::remove(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const Answer<Identity> owner = owner_of(request);
    if (!owner) return std::unexpected(owner.error());
    const Answer<void> removed = instances_.remove(*name, *owner);
    if (!removed) return std::unexpected(removed.error());
    return json::object{};
}

Answer<json::object> Handler::log_tail(const json::object& request) {
    const Answer<std::string> name = name_of(request);
    if (!name) return std::unexpected(name.error());
    const Answer<UniqueFd> directory = instances_.directory(*name);
    if (!directory) return std::unexpected(directory.error());
    std::string text = read_tail(directory->get(), "log", kMaxLogTail);
    // An engine may print anything: the answer must stay one valid JSON text.
    for (char& c : text) {
        if (c != '\n' && (c < ' ' || c > '~')) c = '?';
    }
    return json::object{{"text", text}};
}

Answer<json::object> Handler::dispatch(std::string_view verb, const json::object& request) {
    if (verb == "hello") return hello();
    if (verb == "create_instance") return create(request);
    if (verb == "write_file") return write(request);
    if (verb == "start") return start(request);
    if (verb == "signal") return signal(request);
    if (verb == "kill_rest") return kill_rest(request);
    if (verb == "remove_instance") return remove(request);
    if (verb == "log_tail") return log_tail(request);
    if (verb == "status") {
        const Answer<std::string> name = name_of(request);
        if (!name) return std::unexpected(name.error());
        const Answer<InstanceStatus> status = instances_.status(*name);
        if (!status) return std::unexpected(status.error());
        return to_json(*status);
    }
    if (verb == "list") {
        const Answer<ListPage> page = instances_.list(json::get_string(request, "after"));
        if (!page) return std::unexpected(page.error());
        json::array items;
        for (const InstanceStatus& each : page->instances) items.emplace_back(to_json(each));
        return json::object{{"instances", items}, {"next", page->next}};
    }
    if (std::optional<Answer<json::object>> answer = dispatch_machines(verb, request)) return std::move(*answer);
    if (std::optional<Answer<json::object>> answer = dispatch_warm(verb, request)) return std::move(*answer);
    if (std::optional<Answer<json::object>> answer = dispatch_containers(verb, request)) return std::move(*answer);
    if (std::optional<Answer<json::object>> answer = dispatch_console(verb, request)) return std::move(*answer);
    return refuse(FailureCode::invalid, "there is no such verb");
}

std::string Handler::handle(std::string_view message) {
    json::object answer;
    Answer<json::object> result = refuse(FailureCode::invalid, "the request is not a JSON object");
    if (message.size() <= kMaxMessage) {
        if (const Result<json::value> parsed = json::parse(message); parsed && parsed->is_object()) {
            const json::object& request = parsed->as_object();
            answer["id"] = json::get_int(request, "id");
            result = dispatch(json::get_string(request, "verb"), request);
        }
    }
    if (result) {
        for (const auto& [key, value] : *result) answer[key] = value;
    } else {
        answer["error"] =
            json::object{{"code", to_string(result.error().code)}, {"message", result.error().message}};
    }
    return json::dump(answer);
}

}  // namespace slipway::agent
