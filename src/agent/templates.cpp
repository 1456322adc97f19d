#include "agent/templates.h"

#include <array>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/copy.h"
#include "base/log.h"

namespace slipway::agent {
namespace {

constexpr int kRecipe = 1;  // raise it when what follows here changes
constexpr int kMakeLimit = 60'000;
constexpr int kLoginsLimit = 20'000;  // milliseconds
constexpr std::size_t kMaxScript = 1024 * 1024;
const std::string kMaking = ".making";
const std::string kScript = "script.sql";

const std::string kPostgres = "postgres";
const std::string kMariadb = "mariadbd";

std::vector<std::string> initdb_arguments() {
    // The configuration that it writes is never used. Written to the disk by us, all at once.
    return {"-D",
            std::string(kDataPath),
            "-U",
            std::string(kManagementRole),
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--auth=reject",
            "--data-checksums",
            "--wal-segsize=4",
            "--no-sync",
            "--no-instructions"};
}

std::vector<std::string> bootstrap_arguments() {
    return {"--no-defaults",
            "--bootstrap",
            fmt::format("--datadir={}", kDataPath),
            fmt::format("--tmpdir={}", kDataPath),
            "--lc-messages-dir=/usr/share/mysql",
            "--log-warnings=0",
            "--enforce-storage-engine=",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=16M",
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-dump-at-shutdown=0",
            "--innodb-buffer-pool-load-at-startup=0",
            "--max-allowed-packet=8M",
            "--net-buffer-length=16K"};
}

// What mariadb-install-db feeds the same program, without the help texts: that script needs programs of another
// package.
Answer<std::string> bootstrap_script() {
    const Answer<UniqueFd> share = open_directory(AT_FDCWD, "/usr/share/mysql");
    if (!share) return refuse(FailureCode::unsupported, "the tables of MariaDB are not in /usr/share/mysql");
    std::string script = "create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=null;\n";
    for (const std::string file :
         {"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
          "maria_add_gis_sp_bootstrap.sql", "mysql_sys_schema.sql"}) {
        const Answer<std::string> part = read_file(share->get(), file, kMaxScript);
        if (!part) return refuse(FailureCode::unsupported, fmt::format("/usr/share/mysql/{} cannot be read", file));
        script += *part;
    }
    // The users that it makes have no password. The one that stays cannot log in: it owns the views.
    script += "\nuse mysql;\ndelete from global_priv where User<>'mariadb.sys';\ndelete from proxies_priv;\n";
    return script;
}

// Nothing in here is quoted: valid_role and valid_verifier leave nothing to quote but the names themselves.
std::string login_script(const Seed& seed) {
    return fmt::format(
        "ALTER ROLE \"{0}\" PASSWORD '{1}'\n"
        "CREATE ROLE \"{2}\" LOGIN CREATEDB CREATEROLE PASSWORD '{3}'\n"
        "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC\n"
        "GRANT CONNECT ON DATABASE postgres TO \"{2}\"\n",
        kManagementRole, seed.management_verifier, seed.user, seed.user_verifier);
}

void report(std::string_view what, int directory, const Failure& failure) {
    log::error("agent", what, {{"why", failure.message}, {"log", read_tail(directory, "log", kMaxLogTail)}});
}

void forget_work_files(int directory) {
    for (const std::string& each : {kScript, std::string("log"), std::string("lock")}) {
        ::unlinkat(directory, each.c_str(), 0);
    }
}

}  // namespace

const std::string& Templates::program_of(const Seed& seed) {
    return seed.name == "postgres" ? kPostgres : kMariadb;
}

bool Templates::asks_for_paths(std::string_view program) { return program == kPostgres || program == kMariadb; }

bool Templates::walks_paths(std::string_view program) { return program == kMariadb; }

std::string Templates::stale_file(std::string_view program) { return program == kPostgres ? "postmaster.pid" : ""; }

// Who a program runs as before an instance's own uid gets its files. PostgreSQL's tools look their user up by name
// and refuse to run without, so that for them no uid of the range will do.
Answer<Templates::Maker> Templates::maker_of(const std::string& name) const {
    if (!rights_.isolation && rights_.uid == 0) {
        return refuse(FailureCode::unsupported,
                      "database servers do not run as root: the helper needs a range of uids");
    }
    if (!rights_.isolation) return Maker{rights_.uid, ::getegid()};
    if (name != "postgres") return Maker{rights_.uid_last, rights_.uid_last};
    for (const char* each : {"postgres", "nobody"}) {
        const passwd* user = ::getpwnam(each);
        if (user != nullptr && user->pw_uid != 0) return Maker{user->pw_uid, user->pw_gid};
    }
    return refuse(FailureCode::unsupported, "there is neither a user postgres nor a user nobody");
}

Launch Templates::launch_of(const std::string& program, int directory, const Maker& maker) const {
    Launch plan;
    plan.directory = directory;
    plan.path = program;
    plan.program = program;
    plan.tag = "template";
    plan.stdin_file = kScript;
    plan.change_uid = rights_.isolation;
    plan.uid = maker.uid;
    plan.gid = maker.gid;
    plan.by_paths = true;
    return plan;
}

Answer<void> Templates::make(const std::string& name, const std::string& program) const {
    const Answer<Maker> maker = maker_of(name);
    if (!maker) return std::unexpected(maker.error());
    if (const Answer<void> removed = remove_tree(directory_, kMaking); !removed) return removed;
    const Answer<UniqueFd> making = make_directory(directory_, kMaking, 0711);
    if (!making) return std::unexpected(making.error());
    const Answer<UniqueFd> data = make_directory(making->get(), "data", 0700);
    if (!data) return std::unexpected(data.error());
    if (::fchown(data->get(), maker->uid, maker->gid) != 0) {
        return std::unexpected(os_failure("give a template to its maker"));
    }
    const bool is_postgres = name == "postgres";
    const Answer<std::string> script = is_postgres ? Answer<std::string>("") : bootstrap_script();
    if (!script) return std::unexpected(script.error());
    const Answer<bool> written =
        replace_file(making->get(), kScript, *script, {rights_.uid, ::getegid(), 0600}, Durability::none);
    if (!written) return std::unexpected(written.error());
    Launch plan = launch_of(program, making->get(), *maker);
    plan.stage = "template";
    plan.own_mount = rights_.isolation && walks_paths(program_of(Seed{name, {}, {}, {}}));
    plan.args = is_postgres ? initdb_arguments() : bootstrap_arguments();
    if (is_postgres) plan.path = plan.program = program.substr(0, program.rfind('/')) + "/initdb";
    checkpoint_("template:begun");
    if (const Answer<void> made = run_to_end(plan, kMakeLimit, checkpoint_); !made) {
        report("a template could not be made", making->get(), made.error());
        return refuse(made.error().code,
                      fmt::format("the template {} could not be made: {}", name, made.error().message));
    }
    // From here on only the helper can change it.
    if (const Answer<void> ours = give_tree(data->get(), rights_.uid, ::getegid()); !ours) return ours;
    forget_work_files(making->get());
    checkpoint_("template:made");
    return {};
}

// By the program's size and time: another version is another file.
Answer<UniqueFd> Templates::find_or_make(const std::string& name, const std::string& program) const {
    struct stat seen{};
    if (::stat(program.c_str(), &seen) != 0) return std::unexpected(os_failure("look at a program"));
    const std::string key = fmt::format("{}-{}-{}-{}", name, kRecipe, seen.st_size, seen.st_mtim.tv_sec);
    Answer<UniqueFd> found = open_directory(directory_, key);
    if (!found && found.error().code != FailureCode::absent) return found;
    if (!found) {
        if (const Answer<void> made = make(name, program); !made) return std::unexpected(made.error());
        if (::syncfs(directory_) != 0) return std::unexpected(os_failure("sync a template"));
        if (::renameat(directory_, kMaking.c_str(), directory_, key.c_str()) != 0) {
            return std::unexpected(os_failure("put a template in its place"));
        }
        if (const Answer<void> synced = sync(directory_, "the templates"); !synced) {
            return std::unexpected(synced.error());
        }
        checkpoint_("template:placed");
        for (const std::string& each : list_names(directory_)) {
            if (each == key || !each.starts_with(name + "-")) continue;
            // One that stays only takes room.
            const Answer<void> removed = remove_tree(directory_, each);
            static_cast<void>(removed);
        }
        found = open_directory(directory_, key);
        if (!found) return found;
    }
    return open_directory(found->get(), "data");
}

// A server of one process, without a network, that reads statements until their end.
Answer<void> Templates::add_logins(const Seed& seed, const std::string& program, int directory,
                                   const Maker& maker) const {
    const Answer<bool> written =
        replace_file(directory, kScript, login_script(seed), {rights_.uid, ::getegid(), 0600}, Durability::none);
    if (!written) return std::unexpected(written.error());
    Launch plan = launch_of(program, directory, maker);
    plan.stage = "prepare";
    // -F: we write it to the disk, all at once.
    plan.args = {"--single", "-F",
                 "-D",       std::string(kDataPath),
                 "-c",       "exit_on_error=on",
                 "-c",       "log_statement=none",
                 "-c",       "log_min_error_statement=panic",
                 "postgres"};
    const Answer<void> done = run_to_end(plan, kLoginsLimit, checkpoint_);
    if (!done) {
        report("an instance could not be given its logins", directory, done.error());
        return refuse(done.error().code, "the instance could not be given its logins: " + done.error().message);
    }
    forget_work_files(directory);
    return {};
}

Answer<void> Templates::seed(const Seed& seed, const std::string& program, int directory, uid_t uid) const {
    const Answer<Maker> maker = maker_of(seed.name);
    if (!maker) return std::unexpected(maker.error());
    const Answer<UniqueFd> from = find_or_make(seed.name, program);
    if (!from) return std::unexpected(from.error());
    const Answer<UniqueFd> data = make_directory(directory, "data", 0700);
    if (!data) return std::unexpected(data.error());
    const gid_t group = rights_.isolation ? static_cast<gid_t>(uid) : ::getegid();
    const bool logins = !seed.user.empty();
    const FileOwner owner{logins ? maker->uid : uid, logins ? maker->gid : group, 0600};
    if (const Answer<void> copied = copy_tree(from->get(), data->get(), owner); !copied) return copied;
    checkpoint_("create:copied");
    if (logins) {
        if (const Answer<void> added = add_logins(seed, program, directory, *maker); !added) return added;
        if (const Answer<void> given = give_tree(data->get(), uid, group); !given) return given;
    }
    if (::syncfs(directory) != 0) return std::unexpected(os_failure("sync an instance's data"));
    return {};
}

}  // namespace slipway::agent
