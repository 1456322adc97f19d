// create and update: one loop that looks, does the next thing that is missing, and looks again. Whatever an
// interrupted call left is just another place to start from.
#include "base/log.h"
#include "providers/local/call.h"
#include "providers/local/waiting.h"

namespace slipway::local {
namespace {

constexpr int kMaxRounds = 6;
constexpr Duration kEndTime = std::chrono::seconds(5);       // for what was killed to be gone
constexpr Duration kMargin = std::chrono::milliseconds(20);  // to answer before the budget is over
constexpr Duration kLookAgain = std::chrono::milliseconds(100);
constexpr Duration kSlowestLook = std::chrono::milliseconds(50);  // for the end of what was killed

Observation still_loading(std::string detail) {
    Observation seen;
    seen.presence = Presence::pending;
    seen.detail = std::move(detail);
    seen.look_again = kLookAgain;
    return seen;
}

ProviderError port_taken(std::uint16_t port) {
    ProviderError error =
        provider_error(ErrorClass::address_in_use, fmt::format("port {} is taken by another program", port));
    error.allocation = "port";
    return error;
}

// Of a start that did not come off.
ProviderError of_start(bool full, ProviderError error) {
    if (full) error.message += ": its disk is full";
    return error;
}

// Often at first: a small engine is up after a few milliseconds. Later seldom: a large one takes its time.
Duration next_try(Duration waited) {
    if (waited < std::chrono::milliseconds(50)) return std::chrono::microseconds(500);
    if (waited < std::chrono::seconds(1)) return std::chrono::milliseconds(5);
    return std::chrono::milliseconds(50);
}

}  // namespace

Task<ProviderAnswer> LocalProvider::do_converge(Call& call) {
    call.engine = engine_of(call.spec.kind, call.spec.engine);
    if (call.engine == nullptr) {
        co_return std::unexpected(provider_error(
            ErrorClass::permanent, fmt::format("the local provider cannot make {}", call.spec.engine)));
    }
    auto setup = call.engine->setup(call.target, call.spec, options_.addresses);
    if (!setup) co_return std::unexpected(setup.error());
    call.setup = std::move(*setup);
    for (int round = 0; round < kMaxRounds && !call.deadline.over(); ++round) {
        agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
        if (!status) co_return std::unexpected(error_of(status.error(), call.touched));
        if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
        call.full = status->full;
        // What is gone cannot be changed; its data cannot be made again either.
        if (!status->exists && call.verb == Verb::update) co_return Observation{};
        std::optional<ProviderAnswer> answer =
            status->held ? co_await look_at_living(call, std::move(*status)) : co_await bring_up(call);
        if (answer) co_return std::move(*answer);
    }
    co_return std::unexpected(out_of_time(call.touched));
}

// A process of it lives: it may be just what is wanted, be of another configuration, hang, or be a remainder.
Task<std::optional<ProviderAnswer>> LocalProvider::look_at_living(Call& call, agent::InstanceStatus status) {
    if (!status.process) {
        co_await clear_rest(call);
        co_return std::nullopt;
    }
    if (status.tag != call.setup.tag) {
        // What it has not written yet is worth waiting for, where it writes anything.
        co_await stop(call, *status.process, call.engine->facts().keeps_data);
        co_return std::nullopt;
    }
    std::optional<ProviderAnswer> answer =
        co_await await_login(call, *status.process, call.engine->facts().patience, false);
    if (answer) co_return answer;
    if (agent::is_alive(*status.process)) {
        if (call.full) co_return out_of_room(call);
        log::warning("local", "restarting an engine that does not answer", {{"instance", call.name()}});
        co_await stop(call, *status.process, false);
    }
    co_return std::nullopt;
}

Task<std::optional<ProviderAnswer>> LocalProvider::bring_up(Call& call) {
    if (!port_is_free(options_.addresses, call.setup.port)) co_return std::unexpected(port_taken(call.setup.port));
    call.touched = true;
    const agent::Answer<bool> made = co_await agent_.create_instance(call.name(), meta(call), call.setup.files,
                                                                     true, call.deadline.left(), call.setup.seed);
    if (!made) co_return std::unexpected(of_start(call.full, error_of(made.error(), true)));
    agent::StartRequest request;
    request.name = call.name();
    request.program = call.engine->facts().program;
    request.args = call.setup.args;
    request.stdin_file = call.setup.stdin_file;
    request.tag = call.setup.tag;
    request.open_files = call.setup.open_files;
    request.file_size = call.setup.file_size;
    request.memory = call.setup.memory;
    const agent::Answer<agent::Started> started = co_await agent_.start(std::move(request), call.deadline.left());
    if (!started && started.error().code == agent::FailureCode::busy) co_return std::nullopt;
    if (!started) co_return std::unexpected(of_start(call.full, error_of(started.error(), true)));
    if (started->already) co_return std::nullopt;
    co_return co_await await_login(call, started->process, call.deadline.left(), true);
}

// Empty where the process stayed silent for `at_most`, or is dead (and was not `fresh`).
Task<std::optional<ProviderAnswer>> LocalProvider::await_login(Call& call, agent::Process process, Duration at_most,
                                                               bool fresh) {
    const auto began = std::chrono::steady_clock::now();
    for (;;) {
        Greeting greeting =
            co_await call.engine->log_in(contact(call, process, call.setup.port), call.spec, &call.setup,
                                         call.deadline.within(std::min(call.engine->facts().patience, at_most)));
        const auto waited = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
        const Login login = greeting.login;
        if (login == Login::pong || login == Login::strained || login == Login::stale) {
            co_return co_await settle(call, process, fresh, std::move(greeting));
        }
        if (!agent::is_alive(process)) {
            if (fresh) co_return co_await after_death(call);
            co_return std::nullopt;
        }
        // It listens before it reads its data, so that it is up as far as anybody can tell.
        if (call.deadline.left() <= kMargin) {
            watcher_.watch(call.name(), process);
            co_return still_loading(login == Login::loading ? "the engine is reading its data"
                                                            : "the engine is starting");
        }
        if (login == Login::denied && !fresh) co_return std::nullopt;
        const bool unheard = login == Login::refused || login == Login::denied;
        if (fresh && unheard && call.engine->facts().may_miss_address && waited >= call.engine->facts().patience) {
            // Somebody took the port on that address after it was seen to be free.
            co_await stop(call, process, false);
            co_return std::unexpected(port_taken(call.setup.port));
        }
        if (login != Login::loading && waited >= at_most) co_return std::nullopt;
        co_await pause(std::min(next_try(waited), call.deadline.left()));
    }
}

// It answers: bring the settings that can be changed while it runs to what they are to be.
Task<ProviderAnswer> LocalProvider::settle(Call& call, agent::Process process, bool fresh, Greeting greeting) {
    watcher_.watch(call.name(), process);
    Observation seen = running(call, process, call.setup.port, "", greeting.version);
    if (greeting.login == Login::stale) {
        if (auto failed = co_await write_files(call)) co_return std::unexpected(std::move(*failed));
        if (!co_await mend_login(call, process)) {
            co_return std::unexpected(
                provider_error(ErrorClass::transient, "the engine did not take its new password or certificate"));
        }
    }
    if (call.verb == Verb::create) co_return seen;
    if (fresh) {  // it was started with them
        if (!call.engine->facts().keeps_data) {
            seen.detail = fmt::format("it was started again, empty: {} keeps nothing", call.engine->facts().name);
            log::warning("local", "an engine that keeps nothing was started again: it is empty",
                         {{"instance", call.name()}, {"engine", call.engine->facts().name}});
        }
        co_return seen;
    }
    if (auto failed = co_await write_files(call)) co_return std::unexpected(std::move(*failed));
    if (call.setup.online.empty()) co_return seen;
    const bool taken = co_await call.engine->apply(contact(call, process, call.setup.port), call.spec, call.setup,
                                                   call.deadline.within(call.engine->facts().patience));
    if (!taken) {
        co_return std::unexpected(
            provider_error(ErrorClass::transient, "the engine did not take its new settings"));
    }
    co_return seen;
}

// As they are to be at its next start, or when it is told to read them again. None: they are there.
Task<std::optional<ProviderError>> LocalProvider::write_files(Call& call) {
    call.touched = true;
    for (const agent::FileContent& each : call.setup.files) {
        const agent::Answer<bool> written =
            co_await agent_.write_file(call.name(), identity_of(call.target), each, call.deadline.left());
        if (!written) co_return error_of(written.error(), true);
    }
    co_return std::nullopt;
}

// Its tenant's login lives in its data and is not what it should be: the password was changed. Or its certificate
// was renewed.
Task<bool> LocalProvider::mend_login(Call& call, agent::Process process) {
    call.touched = true;
    const Contact at = contact(call, process, call.setup.port);
    if (!co_await call.engine->apply(at, call.spec, call.setup,
                                     call.deadline.within(call.engine->facts().patience)))
        co_return false;
    const Greeting again = co_await call.engine->log_in(at, call.spec, &call.setup,
                                                        call.deadline.within(call.engine->facts().patience));
    co_return again.login == Login::pong || again.login == Login::strained;
}

// The engine ended right after its start. The commonest reason is a port that somebody took in between.
Task<ProviderAnswer> LocalProvider::after_death(Call& call) {
    if (!port_is_free(options_.addresses, call.setup.port)) co_return std::unexpected(port_taken(call.setup.port));
    constexpr std::string_view kDied = "the engine ended right after its start";
    if (call.engine->facts().log_holds_client_data) {
        co_return std::unexpected(
            of_start(call.full, provider_error(ErrorClass::transient, std::string(kDied),
                                               "its log may hold tenants' data: look there")));
    }
    const agent::Answer<std::string> log = co_await agent_.log_tail(call.name(), call.deadline.left());
    co_return std::unexpected(of_start(
        call.full, provider_error(ErrorClass::transient, std::string(kDied), log ? *log : log.error().message)));
}

Task<void> LocalProvider::stop(Call& call, agent::Process process, bool gently) {
    call.touched = true;
    watcher_.forget(call.name());
    if (gently) {
        const agent::Answer<bool> asked =
            co_await agent_.signal(call.name(), process, call.engine->facts().gently, call.deadline.left());
        // Never all of the time that there is: what does not end is to be killed and started again.
        const Duration at_most = std::min(call.engine->facts().end_time, call.deadline.left() / 2);
        const bool ended = asked && co_await wait_exit(process, call.deadline.within(at_most));
        if (ended) co_return;
    }
    const agent::Answer<bool> killed =
        co_await agent_.signal(call.name(), process, agent::Signal::kill, call.deadline.left());
    if (killed) co_await wait_exit(process, call.deadline.within(kEndTime));
}

// The main process is dead, but the lock is held: by a child of it, e.g. one that rewrites the data file. A large
// one takes its time to end even when it is killed, which is no reason to give up before the call's time is over.
Task<void> LocalProvider::clear_rest(Call& call) {
    call.touched = true;
    for (Duration waited = std::chrono::milliseconds(2);; waited = std::min(2 * waited, kSlowestLook)) {
        const agent::Answer<std::int64_t> killed =
            co_await agent_.kill_rest(call.name(), identity_of(call.target), call.deadline.left());
        // Found none: it was just ending. Killed some: their end takes a moment.
        static_cast<void>(killed);
        co_await pause(std::min(waited, call.deadline.left()));
        const agent::Answer<agent::InstanceStatus> status =
            co_await agent_.status(call.name(), call.deadline.left());
        if (!status || !status->held || status->process || call.deadline.over()) co_return;
    }
}

// Nothing of it is wanted any more, so that nothing is to be written first: it is killed at once.
Task<ProviderAnswer> LocalProvider::do_remove(Call& call) {
    while (!call.deadline.over()) {
        const agent::Answer<agent::InstanceStatus> status =
            co_await agent_.status(call.name(), call.deadline.left());
        if (!status) co_return std::unexpected(error_of(status.error(), call.touched));
        if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
        if (status->process) {
            co_await stop(call, *status->process, false);
            continue;
        }
        if (status->held) {
            co_await clear_rest(call);
            continue;
        }
        call.touched = true;
        watcher_.forget(call.name());
        full_.erase(call.name());
        const agent::Answer<void> removed =
            co_await agent_.remove_instance(call.name(), identity_of(call.target), call.deadline.left());
        if (removed) co_return Observation{};
        if (removed.error().code != agent::FailureCode::busy)
            co_return std::unexpected(error_of(removed.error(), true));
    }
    co_return std::unexpected(out_of_time(call.touched));
}

}  // namespace slipway::local
