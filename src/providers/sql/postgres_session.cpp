#include "providers/sql/postgres_session.h"

#include <array>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "providers/sql/quoting.h"
#include "providers/sql/readiness.h"

namespace slipway::sql {
namespace {

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

// Notices of servers do not belong on our standard error.
void drop_notice(void*, const PGresult*) {}

std::unexpected<SqlError> lost() { return refuse(Failure::lost, "the connection to the database server broke"); }
std::unexpected<SqlError> late() { return refuse(Failure::timeout, "the database server did not answer in time"); }

std::unexpected<SqlError> server_error(const std::string& state) {
    if (state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P05") return lost();
    if (state == "57P03") {
        return refuse(Failure::starting, "the database server is starting or shutting down", state);
    }
    if (state == "53100") {
        return refuse(Failure::refused_by_server, "the disk of the database server is full", state);
    }
    if (state == "53300") return refuse(Failure::too_many_connections, "all connections are taken", state);
    return refuse(Failure::refused_by_server,
                  fmt::format("the database server refused it (SQLSTATE {})", state.empty() ? "unknown" : state),
                  state);
}

// With PQERRORS_SQLSTATE the message of a failed login ends in its state: "…: FATAL:  28P01\n".
std::string state_of(std::string_view message) {
    constexpr std::string_view kCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
    if (message.size() < 7 || message[message.size() - 6] != ' ' || message[message.size() - 7] != ' ') return {};
    const std::string_view state = message.substr(message.size() - 5);
    return state.find_first_not_of(kCharacters) == std::string_view::npos ? std::string(state) : std::string();
}

std::unexpected<SqlError> login_error(const std::string& state, bool reached) {
    if (state.starts_with("28")) return refuse(Failure::denied, "the login was denied", state);
    if (state == "57P01" || state == "57P02") return server_error("57P03");
    if (!state.empty()) return server_error(state);
    if (reached) return lost();
    return refuse(Failure::refused, "the database server cannot be reached");
}

std::unexpected<SqlError> another_certificate() {
    return refuse(Failure::denied, "the database server does not show the certificate that it should",
                  std::string(kOtherCertificate));
}

bool shows(PGconn* connection, const Pin& pin) {
    auto* const tls = static_cast<SSL*>(PQsslStruct(connection, "OpenSSL"));
    if (tls == nullptr) return false;
    struct Free {
        void operator()(X509* certificate) const { X509_free(certificate); }
    };
    const std::unique_ptr<X509, Free> shown(SSL_get1_peer_certificate(tls));
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (!shown || X509_digest(shown.get(), EVP_sha256(), bytes.data(), &size) != 1) return false;
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
    return hex == pin.sha256;
}

}  // namespace

struct PostgresSession::Connection {
    Connection(PGconn* handle, boost::asio::any_io_executor executor)
        : readiness(std::move(executor)), postgres(handle) {}

    Task<Answer<void>> log_in(Deadline deadline);
    Task<Answer<void>> flush(Deadline deadline);
    Task<Answer<Rows>> answers(Deadline deadline);
    Task<Answer<Rows>> judged(bool sent, Deadline deadline);

    Readiness readiness;
    std::unique_ptr<PGconn, Finish> postgres;
    bool broken = false;
};

PostgresSession::PostgresSession(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
PostgresSession::PostgresSession(PostgresSession&&) noexcept = default;
PostgresSession& PostgresSession::operator=(PostgresSession&&) noexcept = default;
PostgresSession::~PostgresSession() = default;

Task<Answer<void>> PostgresSession::Connection::log_in(Deadline deadline) {
    bool reached = false;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        const Ready wanted{next == PGRES_POLLING_READING, next == PGRES_POLLING_WRITING};
        const Ready ready = co_await readiness.wait(PQsocket(postgres.get()), wanted, deadline);
        if (!ready.any()) co_return late();
        reached = reached || next == PGRES_POLLING_READING;
        next = PQconnectPoll(postgres.get());
        if (next == PGRES_POLLING_FAILED) {
            co_return login_error(state_of(PQerrorMessage(postgres.get())), reached);
        }
    }
    PQsetErrorVerbosity(postgres.get(), PQERRORS_TERSE);
    if (PQsetnonblocking(postgres.get(), 1) != 0) co_return lost();
    co_return Answer<void>{};
}

Task<Answer<PostgresSession>> PostgresSession::open(PostgresLogin login, Deadline deadline) {
    const auto executor = co_await boost::asio::this_coro::executor;
    for (const std::string& name : {login.user, login.database}) {
        if (const std::string wrong = wrong_name(name, kMostPostgresName); !wrong.empty()) {
            co_return refuse(Failure::invalid, wrong);
        }
    }
    if (login.password.reveal().find('\0') != std::string::npos) {
        co_return refuse(Failure::invalid, "the password holds a NUL");
    }
    const std::string port = std::to_string(login.port);
    // Everything that libpq would otherwise take from the environment or the home directory.
    const std::array<const char*, 18> keys{"hostaddr",         "port",        "user",    "password",
                                           "dbname",           "sslmode",     "options", "gssencmode",
                                           "application_name", "passfile",    "service", "client_encoding",
                                           "channel_binding",  "sslrootcert", "sslcert", "sslkey",
                                           "sslcrl",           nullptr};
    // Certificates are compared by ourselves: none is looked for in the home directory.
    const char* const nowhere = "/dev/null/none";
    const std::array<const char*, 18> values{login.address.c_str(),
                                             port.c_str(),
                                             login.user.c_str(),
                                             login.password.reveal().c_str(),
                                             login.database.c_str(),
                                             login.pin ? "require" : login.tls.c_str(),
                                             "-c client_min_messages=error",
                                             "disable",
                                             "slipway",
                                             "/dev/null",
                                             nullptr,
                                             "UTF8",
                                             login.pin ? "require" : "prefer",
                                             nowhere,
                                             nowhere,
                                             nowhere,
                                             nowhere,
                                             nullptr};
    auto connection = std::make_unique<Connection>(PQconnectStartParams(keys.data(), values.data(), 0), executor);
    PGconn* const handle = connection->postgres.get();
    if (handle == nullptr || PQstatus(handle) == CONNECTION_BAD) {
        co_return refuse(Failure::refused, "the database server cannot be reached");
    }
    PQsetNoticeReceiver(handle, drop_notice, nullptr);
    PQsetErrorVerbosity(handle, PQERRORS_SQLSTATE);
    const Answer<void> done = co_await connection->log_in(deadline);
    if (!done && login.pin && done.error().failure == Failure::lost && PQsslInUse(handle) == 0) {
        co_return another_certificate();  // it speaks no TLS
    }
    if (!done) co_return std::unexpected(done.error());
    if (login.pin && !shows(handle, *login.pin)) co_return another_certificate();
    co_return PostgresSession(std::move(connection));
}

Task<Answer<void>> PostgresSession::Connection::flush(Deadline deadline) {
    for (int left = PQflush(postgres.get()); left != 0; left = PQflush(postgres.get())) {
        if (left < 0) co_return lost();
        const Ready ready = co_await readiness.wait(PQsocket(postgres.get()), {true, true}, deadline);
        if (!ready.any()) co_return late();
        if (ready.read && PQconsumeInput(postgres.get()) == 0) co_return lost();
    }
    co_return Answer<void>{};
}

// Everything up to the end of the answer: the rows of its last part, or its first error.
Task<Answer<Rows>> PostgresSession::Connection::answers(Deadline deadline) {
    Answer<Rows> answer;
    bool open = true;
    while (true) {
        while (open && PQisBusy(postgres.get()) != 0) {
            const Ready ready = co_await readiness.wait(PQsocket(postgres.get()), {true, false}, deadline);
            if (!ready.any()) co_return late();
            open = PQconsumeInput(postgres.get()) != 0;
        }
        const Result result(PQgetResult(postgres.get()));
        if (!result) break;
        const ExecStatusType status = PQresultStatus(result.get());
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
            const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
            if (answer) answer = state == nullptr ? Answer<Rows>(lost()) : Answer<Rows>(server_error(state));
            continue;
        }
        if (!answer) continue;
        answer->clear();
        for (int row = 0; row < PQntuples(result.get()); ++row) {
            Values& values = answer->emplace_back();
            for (int column = 0; column < PQnfields(result.get()); ++column) {
                const bool null = PQgetisnull(result.get(), row, column) != 0;
                values.push_back(null ? Value() : Value(PQgetvalue(result.get(), row, column)));
            }
        }
    }
    if (answer && (!open || PQstatus(postgres.get()) != CONNECTION_OK)) co_return lost();
    co_return answer;
}

Task<Answer<Rows>> PostgresSession::Connection::judged(bool sent, Deadline deadline) {
    Answer<Rows> answer = lost();
    if (sent) {
        const Answer<void> flushed = co_await flush(deadline);
        answer = flushed ? co_await answers(deadline) : Answer<Rows>(std::unexpected(flushed.error()));
    }
    if (!answer && answer.error().failure != Failure::refused_by_server) broken = true;
    co_return answer;
}

Task<Answer<Rows>> PostgresSession::query(std::string statement, Values values, Deadline deadline) {
    std::vector<const char*> texts;
    for (const Value& each : values) {
        if (each && each->find('\0') != std::string::npos)
            co_return refuse(Failure::invalid, "a value holds a NUL");
        texts.push_back(each ? each->c_str() : nullptr);
    }
    if (connection_->broken) co_return lost();
    const int sent = PQsendQueryParams(connection_->postgres.get(), statement.c_str(),
                                       static_cast<int>(texts.size()), nullptr, texts.data(), nullptr, nullptr, 0);
    co_return co_await connection_->judged(sent == 1, deadline);
}

Task<Answer<void>> PostgresSession::run(std::string statements, Deadline deadline) {
    if (statements.find('\0') != std::string::npos) co_return refuse(Failure::invalid, "a statement holds a NUL");
    if (connection_->broken) co_return lost();
    const int sent = PQsendQuery(connection_->postgres.get(), statements.c_str());
    const Answer<Rows> answer = co_await connection_->judged(sent == 1, deadline);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Answer<void>{};
}

bool PostgresSession::usable() const {
    if (!connection_ || connection_->broken) return false;
    PGconn* const handle = connection_->postgres.get();
    // Twice: the first finds the server's last words, the second that it has hung up.
    for (int look = 0; look < 2; ++look) {
        if (PQconsumeInput(handle) == 0) return false;
    }
    return PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE;
}

int PostgresSession::version() const { return PQserverVersion(connection_->postgres.get()); }

std::string PostgresSession::version_text() const {
    const char* const said = PQparameterStatus(connection_->postgres.get(), "server_version");
    const std::string_view text = said == nullptr ? "" : said;
    return std::string(text.substr(0, text.find(' ')));
}

}  // namespace slipway::sql
