#include "sql_servers.h"

#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/testing.h"
#include "local_subject.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;
const std::string kPostgresPrograms = "/usr/lib/postgresql/15/bin/";

pid_t launch(const std::vector<std::string>& words, const std::string& directory,
             const std::string& input = "/dev/null") {
    std::vector<char*> arguments;
    for (const std::string& each : words) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    const std::string log = directory + "/log";
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int in = ::open(input.c_str(), O_RDONLY);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::close_range(3, ~0U, 0);
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                             ::setresuid(kNobody, kNobody, kNobody) != 0)) {
        ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::chdir(directory.c_str()) != 0) ::_exit(125);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

void run_to_end(const std::vector<std::string>& words, const std::string& directory,
                const std::string& input = "/dev/null") {
    int status = 0;
    const pid_t child = launch(words, directory, input);
    if (::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error(words[0] + " failed: " + file_text(directory + "/log"));
    }
}

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    if (::geteuid() == 0 && ::chown(path.c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown");
}

Task<bool> answers(ServerAccess access) {
    const Deadline deadline(1s);
    if (access.engine == "mysql") {
        const auto session = co_await sql::MysqlSession::open(
            {access.address, access.port, access.user, access.password, ""}, deadline);
        co_return session.has_value();
    }
    const auto session = co_await sql::PostgresSession::open(
        {access.address, access.port, access.user, access.password, "postgres"}, deadline);
    co_return session.has_value();
}

}  // namespace

SqlServer::SqlServer(std::string engine) {
    ::chmod(directory_.path().c_str(), 0755);
    if (::geteuid() == 0 && ::chown(directory_.path().c_str(), kNobody, kNobody) != 0) {
        throw std::runtime_error("chown");
    }
    access_.server = ResourceId("res_server_" + engine);
    access_.engine = engine;
    access_.address = "127.0.0.1";
    access_.port = free_port();
    access_.endpoint = {engine, "server.localhost", access_.port};
    access_.user = "slipway";
    access_.password = Secret("managerCanary0123456789abcdefghijk");
    if (engine == "mysql") {
        install_mariadb();
    } else {
        install_postgres();
    }
    start();
}

SqlServer::~SqlServer() { kill(); }

void SqlServer::install_postgres() {
    const std::string home = directory_.path();
    write(home + "/password", access_.password.reveal() + "\n");
    run_to_end({kPostgresPrograms + "initdb", "-D", data(), "-U", access_.user, "--pwfile", home + "/password",
                "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"},
               home);
}

void SqlServer::install_mariadb() {
    const std::string home = directory_.path();
    write(home + "/init.sql", "CREATE USER IF NOT EXISTS 'slipway'@'%' IDENTIFIED BY '" +
                                  access_.password.reveal() +
                                  "';\nGRANT ALL ON *.* TO 'slipway'@'%' WITH GRANT OPTION;\n");
    // What mariadb-install-db does with programs of another package.
    std::string script = "create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=null;\n";
    for (const std::string file : {"mysql_system_tables.sql", "mysql_performance_tables.sql",
                                   "mysql_system_tables_data.sql", "mysql_sys_schema.sql"}) {
        script += file_text("/usr/share/mysql/" + file);
    }
    write(home + "/script.sql", script + "\nuse mysql;\ndelete from global_priv where User<>'mariadb.sys';\n");
    if (!fs::create_directory(data()) || (::geteuid() == 0 && ::chown(data().c_str(), kNobody, kNobody) != 0)) {
        throw std::runtime_error("no data directory");
    }
    run_to_end({"/usr/sbin/mariadbd", "--no-defaults", "--bootstrap", "--datadir=" + data(),
                "--lc-messages-dir=/usr/share/mysql", "--enforce-storage-engine=", "--max-allowed-packet=8M",
                "--net-buffer-length=16K"},
               home, home + "/script.sql");
}

void SqlServer::start() {
    const std::string home = directory_.path();
    const std::string port = std::to_string(access_.port);
    if (access_.engine == "mysql") {
        process_ =
            launch({"/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + data(), "--port=" + port,
                    "--bind-address=127.0.0.1", "--socket=" + home + "/socket", "--pid-file=" + home + "/pid",
                    "--init-file=" + home + "/init.sql", "--general-log", "--general-log-file=" + home + "/general",
                    "--skip-name-resolve", "--log-warnings=9", "--innodb-buffer-pool-size=32M"},
                   home);
    } else {
        process_ = launch(
            {kPostgresPrograms + "postgres", "-D", data(), "-c", "port=" + port, "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "log_statement=all", "-c", "log_connections=on"},
            home);
    }
    boost::asio::io_context io;
    if (!eventually([&] { return run(io, answers(access_)); }, 60s)) {
        throw std::runtime_error(access_.engine + " does not start: " + log());
    }
}

void SqlServer::kill() {
    if (process_ < 0) return;
    ::kill(process_, access_.engine == "mysql" ? SIGKILL : SIGQUIT);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

std::string SqlServer::log() const {
    const std::string home = directory_.path();
    return file_text(home + "/log") + file_text(home + "/general");
}

SqlServer& sql_server(const std::string& engine) {
    static std::map<std::string, std::unique_ptr<SqlServer>> servers;
    std::unique_ptr<SqlServer>& server = servers[engine];
    if (!server) server = std::make_unique<SqlServer>(engine);
    return *server;
}

}  // namespace slipway::testing
