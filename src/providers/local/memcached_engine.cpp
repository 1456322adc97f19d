#include "providers/local/dialog.h"
#include "providers/local/engine.h"
#include "providers/local/memcached_config.h"
#include "providers/local/memcached_text.h"

namespace slipway::local {
namespace {

using Kind = TextReply::Kind;

// One command, one reply. Empty where none came in time, or nothing that memcached says.
Task<std::optional<TextReply>> ask(Dialog& dialog, std::string command) {
    command += "\r\n";
    if (!co_await dialog.send(command)) co_return std::nullopt;
    std::string received;
    for (bool open = true; open;) {
        open = co_await dialog.receive(received);
        TextReply reply = read_text_reply(received);
        if (reply.kind == Kind::broken) co_return std::nullopt;
        // Nothing was asked that what is left over could answer.
        if (reply.kind != Kind::incomplete && reply.size != received.size()) co_return std::nullopt;
        if (reply.kind != Kind::incomplete) co_return std::move(reply);
    }
    co_return std::nullopt;
}

// A connection on which it was just proved who answers, and what was said then.
struct Known {
    Login login = Login::silent;
    std::optional<Dialog> dialog;  // where the login is pong
    std::vector<Statistic> statistics;
};

// memcached knows no login that would not be its clients' too, and nothing that is put into it stays there for
// certain. What it says of itself is compared with what the helper knows for certain: the process that holds this
// instance's lock (docs/decisions/0007-who-a-memcached-is.md).
Task<Known> meet(Contact contact, Deadline deadline) {
    Known known;
    auto dialog = co_await Dialog::open(contact.address, contact.port, deadline);
    if (!dialog) {
        known.login = dialog.error() == NoReply::refused ? Login::refused : Login::silent;
        co_return known;
    }
    std::optional<TextReply> reply = co_await ask(*dialog, "stats");
    if (!reply) co_return known;
    if (reply->kind == Kind::line) {
        // With all of its connections taken, or no memory, it says so instead: the process is known by its lock.
        const bool strained =
            reply->line == "ERROR Too many open connections" || reply->line.starts_with("SERVER_ERROR ");
        known.login = strained ? Login::strained : Login::denied;
        co_return known;
    }
    known.login = number_in(reply->statistics, "pid") == contact.process.pid ? Login::pong : Login::denied;
    known.statistics = std::move(reply->statistics);
    if (known.login == Login::pong) known.dialog.emplace(std::move(*dialog));
    co_return known;
}

std::unexpected<Error> does_not_answer(Login login) {
    const bool full = login == Login::strained;
    return fail(ErrorCode::unavailable,
                full ? "the engine cannot answer now: all of its connections are taken, or its memory"
                     : "the engine does not answer now");
}

class MemcachedEngine final : public Engine {
  public:
    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        return memcached_setup(target, spec, addresses);
    }

    Task<Greeting> log_in(Contact contact, const Spec& /*spec*/, const Setup* /*tenant*/,
                          Deadline deadline) const override {
        const Known known = co_await meet(std::move(contact), deadline);
        co_return known.login;
    }

    Task<bool> apply(Contact contact, const Spec& /*spec*/, const Setup& setup, Deadline deadline) const override {
        Known known = co_await meet(std::move(contact), deadline);
        if (!known.dialog) co_return false;
        for (const OnlineSetting& each : setup.online) {
            const auto reply = co_await ask(*known.dialog, fmt::format("{} {}", each.name, each.value));
            if (!reply || reply->line != "OK") co_return false;
        }
        co_return true;
    }

    Task<Result<std::vector<Statistic>>> statistics(Contact contact, Deadline deadline) const override {
        Known known = co_await meet(std::move(contact), deadline);
        if (known.login != Login::pong) co_return does_not_answer(known.login);
        co_return std::move(known.statistics);
    }

    // On the connection on which it has just said who it is: no other engine can come in between.
    Task<Status> flush(Contact contact, Deadline deadline) const override {
        Known known = co_await meet(std::move(contact), deadline);
        if (!known.dialog) co_return does_not_answer(known.login);
        const auto reply = co_await ask(*known.dialog, "flush_all");
        if (!reply || reply->line != "OK") co_return does_not_answer(Login::silent);
        co_return Status();
    }

  private:
    const EngineFacts facts_{.kind = slipway::Kind::cache,
                             .name = "memcached",
                             .scheme = "memcached",
                             .program = "memcached",
                             .package = "memcached",
                             .secrets = {},
                             .keeps_data = false,
                             .log_holds_client_data = true};
};

}  // namespace

std::unique_ptr<Engine> make_memcached_engine() { return std::make_unique<MemcachedEngine>(); }

}  // namespace slipway::local
