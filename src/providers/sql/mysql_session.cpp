#include "providers/sql/mysql_session.h"

#include <functional>

#include <boost/asio/this_coro.hpp>
#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <sys/socket.h>

#include "providers/sql/quoting.h"
#include "providers/sql/readiness.h"

namespace slipway::sql {
namespace {

// Numbers of the server; its header has them as macros among thousands.
constexpr unsigned kDiskFull = 1021;
constexpr unsigned kTooManyConnections = 1040;
constexpr unsigned kDatabaseDenied = 1044;
constexpr unsigned kAccessDenied = 1045;
constexpr unsigned kServerShutdown = 1053;
constexpr unsigned kHostDenied = 1130;
constexpr unsigned kTooManyUserConnections = 1203;
constexpr unsigned kUserLimitReached = 1226;
constexpr unsigned kAccessDeniedNoPassword = 1698;
constexpr unsigned kConnectionKilled = 1927;
constexpr unsigned kAccountLockedMysql = 3118;
constexpr unsigned kAccountLocked = 4151;

struct Close {
    void operator()(MYSQL* mysql) const { mysql_close(mysql); }
};
struct CloseStatement {
    void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
struct Free {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

std::unexpected<SqlError> late() { return refuse(Failure::timeout, "the database server did not answer in time"); }

std::unexpected<SqlError> error_of(unsigned number) {
    const std::string code = std::to_string(number);
    switch (number) {
        case kTooManyConnections:
        case kTooManyUserConnections:
        case kUserLimitReached: return refuse(Failure::too_many_connections, "all connections are taken", code);
        case kDiskFull: return refuse(Failure::refused_by_server, "the disk of the database server is full", code);
        case CR_SERVER_GONE_ERROR:
        case CR_SERVER_LOST:
        case CR_SERVER_LOST_EXTENDED:
        case CR_UNKNOWN_ERROR:
        case kServerShutdown:
        case kConnectionKilled: return refuse(Failure::lost, "the connection to the database server broke", code);
        default:
            return refuse(Failure::refused_by_server,
                          fmt::format("the database server refused it (error {})", number), code);
    }
}

std::unexpected<SqlError> login_error(unsigned number) {
    const std::string code = std::to_string(number);
    switch (number) {
        case CR_SSL_CONNECTION_ERROR:
            return refuse(Failure::denied, "the database server does not show the certificate that it should",
                          std::string(kOtherCertificate));
        case CR_CONNECTION_ERROR:
        case CR_CONN_HOST_ERROR: return refuse(Failure::refused, "the database server cannot be reached", code);
        case kServerShutdown:
            return refuse(Failure::starting, "the database server is starting or shutting down", code);
        case kDatabaseDenied:
        case kAccessDenied:
        case kHostDenied:
        case kAccessDeniedNoPassword:
        case kAccountLockedMysql:
        case kAccountLocked: return refuse(Failure::denied, "the login was denied", code);
        default: return error_of(number);
    }
}

// Not safe in several threads at once, and called by mysql_init where nobody did before.
bool library_is_ready() {
    static const bool ready = mysql_server_init(0, nullptr, nullptr) == 0;
    return ready;
}

}  // namespace

// Everything that a call of the library which waits for its socket may look at, so that it lives for as long as the
// connection, whatever becomes of who waits.
struct MysqlSession::Connection {
    using Begin = std::function<int()>;
    using Continue = std::function<int(int)>;

    explicit Connection(boost::asio::any_io_executor executor) : readiness(std::move(executor)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        readiness.forget();
        if (proceed || broken) abandon();
        prepared.reset();
    }

    // False where the deadline came first.
    Task<bool> drive(Begin begin, Continue next, Deadline deadline);
    void abandon();
    Task<Answer<void>> log_in(Deadline deadline);
    Task<Answer<Rows>> execute(Deadline deadline);
    Task<Answer<Rows>> fetch(Deadline deadline);
    std::unexpected<SqlError> failed(unsigned number);
    std::unexpected<SqlError> gave_up();

    Readiness readiness;
    MysqlLogin login;
    std::string statement;
    Values values;
    int number = 0;
    my_bool flag = 0;
    MYSQL* connected = nullptr;
    MYSQL_RES* result = nullptr;
    std::unique_ptr<MYSQL, Close> mysql{mysql_init(nullptr)};
    std::unique_ptr<MYSQL_STMT, CloseStatement> prepared;  // before the connection ends
    Continue proceed;                                      // of the call that waits
    bool broken = false;
};

Task<bool> MysqlSession::Connection::drive(Begin begin, Continue next, Deadline deadline) {
    int waiting = begin();
    if (waiting != 0) proceed = next;
    while (waiting != 0) {
        const Ready wanted{(waiting & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT)) != 0,
                           (waiting & MYSQL_WAIT_WRITE) != 0};
        const bool limited = (waiting & MYSQL_WAIT_TIMEOUT) != 0;
        const Deadline until =
            limited ? deadline.within(std::chrono::milliseconds(mysql_get_timeout_value_ms(mysql.get())))
                    : deadline;
        const Ready ready = co_await readiness.wait(mysql_get_socket(mysql.get()), wanted, until);
        if (!ready.any() && (deadline.over() || !limited)) {
            abandon();
            co_return false;
        }
        int happened = ready.any() ? 0 : MYSQL_WAIT_TIMEOUT;
        if (ready.read) happened |= waiting & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT);
        if (ready.write) happened |= MYSQL_WAIT_WRITE;
        waiting = next(happened);
    }
    proceed = nullptr;
    co_return true;
}

// The library keeps what a call that waits has opened on a stack of that call's own: the call has to come to its
// end. Nothing can be sent or received any more, so that it does without waiting for anybody.
void MysqlSession::Connection::abandon() {
    broken = true;
    if (mysql) ::shutdown(mysql_get_socket(mysql.get()), SHUT_RDWR);
    constexpr int kMostSteps = 1000;
    for (int i = 0; proceed && i < kMostSteps; ++i) {
        if (proceed(MYSQL_WAIT_TIMEOUT) == 0) proceed = nullptr;
    }
    if (result != nullptr) mysql_free_result(std::exchange(result, nullptr));
}

std::unexpected<SqlError> MysqlSession::Connection::failed(unsigned error_number) {
    const auto error = error_of(error_number);
    if (error.error().failure != Failure::refused_by_server) broken = true;
    return error;
}

std::unexpected<SqlError> MysqlSession::Connection::gave_up() {
    broken = true;
    return late();
}

Task<Answer<void>> MysqlSession::Connection::log_in(Deadline deadline) {
    MYSQL* const handle = mysql.get();
    const unsigned off = 0;
    const unsigned protocol = MYSQL_PROTOCOL_TCP;
    const my_bool tls = login.tls || login.pin ? 1 : 0;
    mysql_options(handle, MYSQL_OPT_NONBLOCK, nullptr);
    mysql_options(handle, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &off);  // or a server could ask for files of ours
    mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &tls);
    if (login.pin) mysql_options(handle, MARIADB_OPT_TLS_PEER_FP, login.pin->sha1.c_str());
    mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const auto begin = [this, handle] {
        return mysql_real_connect_start(
            &connected, handle, login.address.c_str(), login.user.c_str(), login.password.reveal().c_str(),
            login.database.empty() ? nullptr : login.database.c_str(), login.port, nullptr, 0);
    };
    const auto next = [this, handle](int ready) { return mysql_real_connect_cont(&connected, handle, ready); };
    const bool done = co_await drive(begin, next, deadline);
    login.password = Secret();
    if (!done) co_return gave_up();
    if (connected == nullptr) {
        broken = true;
        co_return login_error(mysql_errno(handle));
    }
    // The library goes on without TLS where a server offers none.
    if (tls != 0 && mysql_get_ssl_cipher(handle) == nullptr) {
        broken = true;
        co_return login_error(CR_SSL_CONNECTION_ERROR);
    }
    co_return Answer<void>{};
}

MysqlSession::MysqlSession(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
MysqlSession::MysqlSession(MysqlSession&&) noexcept = default;
MysqlSession& MysqlSession::operator=(MysqlSession&&) noexcept = default;
MysqlSession::~MysqlSession() = default;

Task<Answer<MysqlSession>> MysqlSession::open(MysqlLogin login, Deadline deadline) {
    const auto executor = co_await boost::asio::this_coro::executor;
    std::string wrong = wrong_name(login.user, kMostMariadbUser);
    if (wrong.empty() && !login.database.empty()) wrong = wrong_name(login.database, kMostMysqlName);
    if (wrong.empty() && login.password.reveal().find('\0') != std::string::npos)
        wrong = "the password holds a NUL";
    if (!wrong.empty()) co_return refuse(Failure::invalid, wrong);
    if (!library_is_ready()) co_return refuse(Failure::refused, "the client library does not start");
    auto connection = std::make_unique<Connection>(executor);
    if (!connection->mysql) co_return refuse(Failure::refused, "the machine is short of memory");
    connection->login = std::move(login);
    const Answer<void> done = co_await connection->log_in(deadline);
    if (!done) co_return std::unexpected(done.error());
    co_return MysqlSession(std::move(connection));
}

// Sends the statement that is prepared, with its values.
Task<Answer<Rows>> MysqlSession::Connection::execute(Deadline deadline) {
    MYSQL_STMT* const handle = prepared.get();
    std::vector<MYSQL_BIND> bound(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        bound[i].buffer_type = values[i] ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
        bound[i].buffer = values[i] ? values[i]->data() : nullptr;
        bound[i].buffer_length = values[i] ? values[i]->size() : 0;
    }
    // The library copies this array, not what it points to.
    if (!bound.empty() && mysql_stmt_bind_param(handle, bound.data()) != 0) {
        co_return failed(mysql_stmt_errno(handle));
    }
    const bool done = co_await drive(
        [this, handle] { return mysql_stmt_execute_start(&number, handle); },
        [this, handle](int ready) { return mysql_stmt_execute_cont(&number, handle, ready); }, deadline);
    if (!done) co_return gave_up();
    if (number != 0) co_return failed(mysql_stmt_errno(handle));
    if (mysql_stmt_field_count(handle) == 0) co_return Rows{};
    co_return co_await fetch(deadline);
}

Task<Answer<Rows>> MysqlSession::Connection::fetch(Deadline deadline) {
    MYSQL_STMT* const handle = prepared.get();
    const bool done = co_await drive(
        [this, handle] { return mysql_stmt_store_result_start(&number, handle); },
        [this, handle](int ready) { return mysql_stmt_store_result_cont(&number, handle, ready); }, deadline);
    if (!done) co_return gave_up();
    if (number != 0) co_return failed(mysql_stmt_errno(handle));
    const std::unique_ptr<MYSQL_RES, Free> described(mysql_stmt_result_metadata(handle));
    if (!described) co_return failed(mysql_stmt_errno(handle));
    const std::size_t columns = mysql_num_fields(described.get());
    const MYSQL_FIELD* const fields = mysql_fetch_fields(described.get());
    struct Column {
        std::string text;
        unsigned long length = 0;
        my_bool null = 0;
    };
    std::vector<Column> cells(columns);
    std::vector<MYSQL_BIND> bound(columns);
    for (std::size_t i = 0; i < columns; ++i) {
        constexpr std::size_t kLeast = 64;  // numbers and times are turned into text only when they are fetched
        cells[i].text.resize(std::max<std::size_t>(fields[i].max_length, kLeast));
        bound[i].buffer_type = MYSQL_TYPE_STRING;
        bound[i].buffer = cells[i].text.data();
        bound[i].buffer_length = cells[i].text.size();
        bound[i].length = &cells[i].length;
        bound[i].is_null = &cells[i].null;
    }
    if (mysql_stmt_bind_result(handle, bound.data()) != 0) co_return failed(mysql_stmt_errno(handle));
    Rows rows;
    while (true) {
        const int got = mysql_stmt_fetch(handle);  // from memory
        if (got == MYSQL_NO_DATA) break;
        if (got != 0) co_return failed(mysql_stmt_errno(handle));
        Values& row = rows.emplace_back();
        for (const Column& each : cells) {
            row.push_back(each.null != 0 ? Value() : Value(each.text.substr(0, each.length)));
        }
    }
    co_return rows;
}

Task<Answer<Rows>> MysqlSession::query(std::string statement, Values values, Deadline deadline) {
    Connection& own = *connection_;
    if (own.broken) co_return own.failed(CR_SERVER_GONE_ERROR);
    own.statement = std::move(statement);
    own.values = std::move(values);
    own.prepared.reset(mysql_stmt_init(own.mysql.get()));
    MYSQL_STMT* const handle = own.prepared.get();
    if (handle == nullptr) co_return own.failed(CR_SERVER_GONE_ERROR);
    const my_bool measure = 1;
    mysql_stmt_attr_set(handle, STMT_ATTR_UPDATE_MAX_LENGTH, &measure);
    const bool done = co_await own.drive(
        [&own, handle] {
            return mysql_stmt_prepare_start(&own.number, handle, own.statement.data(), own.statement.size());
        },
        [&own, handle](int ready) { return mysql_stmt_prepare_cont(&own.number, handle, ready); }, deadline);
    if (!done) co_return own.gave_up();
    if (own.number != 0) co_return own.failed(mysql_stmt_errno(handle));
    if (mysql_stmt_param_count(handle) != own.values.size()) {
        co_return refuse(Failure::invalid, "the statement takes another number of values");
    }
    Answer<Rows> answer = co_await own.execute(deadline);
    if (own.broken) co_return answer;
    const bool closed = co_await own.drive(
        [&own, handle] { return mysql_stmt_close_start(&own.flag, handle); },
        [&own, handle](int ready) { return mysql_stmt_close_cont(&own.flag, handle, ready); }, deadline);
    static_cast<void>(own.prepared.release());
    if (!closed) own.broken = true;
    co_return answer;
}

Task<Answer<void>> MysqlSession::run(std::string statement, Deadline deadline) {
    Connection& own = *connection_;
    if (own.broken) co_return own.failed(CR_SERVER_GONE_ERROR);
    own.statement = std::move(statement);
    MYSQL* const handle = own.mysql.get();
    bool done = co_await own.drive(
        [&own, handle] {
            return mysql_real_query_start(&own.number, handle, own.statement.data(), own.statement.size());
        },
        [&own, handle](int ready) { return mysql_real_query_cont(&own.number, handle, ready); }, deadline);
    if (!done) co_return own.gave_up();
    if (own.number != 0) co_return own.failed(mysql_errno(handle));
    if (mysql_field_count(handle) == 0) co_return Answer<void>{};
    done = co_await own.drive(
        [&own, handle] { return mysql_store_result_start(&own.result, handle); },
        [&own, handle](int ready) { return mysql_store_result_cont(&own.result, handle, ready); }, deadline);
    if (!done) co_return own.gave_up();
    if (own.result == nullptr) co_return own.failed(mysql_errno(handle));
    mysql_free_result(std::exchange(own.result, nullptr));
    co_return Answer<void>{};
}

bool MysqlSession::usable() const {
    if (!connection_ || connection_->broken) return false;
    // Between two statements a server says nothing: whatever there is to read is its end.
    char byte = 0;
    const auto got = ::recv(mysql_get_socket(connection_->mysql.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::string MysqlSession::version_text() const { return mysql_get_server_info(connection_->mysql.get()); }
bool MysqlSession::is_mariadb() const { return mariadb_connection(connection_->mysql.get()) != 0; }

}  // namespace slipway::sql
