#include "cli/machines.h"

#include <fstream>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "base/secret.h"
#include "cli/grammar.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxFile = 4096;  // bytes: a password has at most 100

std::vector<Column> machine_columns(TimePoint now, bool everybody) {
    return {
        name_column(),
        column("IP", "address"),
        column("USERNAME", "username", 3),
        organization_column(everybody),
        state_column(),
        column("PLAN", "plan", 1),
        wide_column("ENGINE", "engine"),
        wide_column("ID", "id"),
        wide_column("PROVIDER", "provider"),
        {.head = "HEALTH",
         .text = [](const json::object& row) { return cell(object_in(row, "health"), "status"); },
         .only_wide = true,
         .is_state = true},
        {.head = "LABELS",
         .text = [](const json::object& row) { return joined(row, "labels"); },
         .only_wide = true},
        wide_column("CREATED", "created_at"),
        {.head = "LEFT",
         .text = [now](const json::object& row) { return left(row, "expires_at", now); },
         .drop = 4},
        {.head = "AGE", .text = [now](const json::object& row) { return age(row, "created_at", now); }, .drop = 2}};
}

// The end of a line belongs to the file, not to the password.
Secret without_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return Secret(std::move(text));
}

Outcome<Secret> password_in(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(kMaxFile + 1, '\0');
    if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.eof() && in.gcount() == 0) {
        return fail(Exit::usage, fmt::format("the password file {} cannot be read", printable(path)));
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxFile) {
        return fail(Exit::usage,
                    fmt::format("the password file {} is larger than {} bytes", printable(path), kMaxFile));
    }
    return without_newline(std::move(text));
}

Outcome<Secret> typed_password(Environment& environment, const std::string& username) {
    const auto nobody = [] {
        return fail(Exit::usage, "a machine needs a password, and nobody can be asked for it here",
                    "--password-stdin reads it from standard input, --password-file from a file");
    };
    auto first = environment.ask_secret(fmt::format("password for {}: ", printable(username)));
    if (environment.interrupted()) return fail(Exit::interrupted, "interrupted; nothing was asked of the server");
    if (!first) return nobody();
    const auto second = environment.ask_secret("the same again: ");
    if (environment.interrupted()) return fail(Exit::interrupted, "interrupted; nothing was asked of the server");
    if (!second) return nobody();
    if (!first->equals(second->reveal())) return fail(Exit::usage, "the two passwords differ: nothing was made");
    return std::move(*first);
}

Outcome<void> check_login(const CreateOptions& options) {
    const bool given = options.password_stdin || !options.password_file.empty();
    if (options.password_stdin && !options.password_file.empty()) {
        return fail(Exit::usage, "--password-stdin and --password-file exclude each other");
    }
    if (given && options.username.empty()) {
        return fail(Exit::usage, "a password belongs to a machine's login: name that with --username");
    }
    return {};
}

// nullopt: it is to be typed.
Outcome<std::optional<Secret>> given_password(Environment& environment, const CreateOptions& options) {
    if (options.password_stdin) {
        auto text = environment.read_input(kMaxFile);
        if (!text) return fail(Exit::usage, "the password could not be read from standard input");
        return without_newline(std::move(*text));
    }
    if (options.password_file.empty()) return std::nullopt;
    auto read = password_in(options.password_file);
    if (!read) return std::unexpected(std::move(read.error()));
    return std::move(*read);
}

Outcome<void> put_password(const Secret& password, json::object& body) {
    if (password.empty()) return fail(Exit::usage, "the password is empty");
    body["password"] = password.reveal();
    return {};
}

// The name under which ssh keeps the machine's key: another machine that gets the address later is another one, and
// this one is known again wherever it is.
std::string key_alias(const json::object& machine) { return "slipway-" + json::get_string(machine, "id"); }

bool is_address(const std::string& text) {
    boost::system::error_code wrong;
    static_cast<void>(boost::asio::ip::make_address(text, wrong));
    return !wrong;
}

}  // namespace

Outcome<void> add_password(Environment& environment, const CreateOptions& options, json::object& body) {
    if (auto good = check_login(options); !good) return good;
    if (options.username.empty()) return {};
    auto password = given_password(environment, options);
    if (!password) return std::unexpected(std::move(password.error()));
    if (!*password) {
        auto typed = typed_password(environment, options.username);
        if (!typed) return std::unexpected(std::move(typed.error()));
        *password = std::move(*typed);
    }
    return put_password(**password, body);
}

Outcome<void> add_password_to_plan(Environment& environment, const CreateOptions& options, json::object& body) {
    if (auto good = check_login(options); !good) return good;
    if (options.username.empty()) return {};
    auto password = given_password(environment, options);
    if (!password) return std::unexpected(std::move(password.error()));
    return put_password(password->value_or(Secret(environment.fresh_key())), body);
}

Outcome<Exit> list_machines(Api& api, const ListOptions& options, Format format) {
    auto listing = resource_listing(api, options);
    if (!listing) return std::unexpected(std::move(listing.error()));
    listing->columns = machine_columns(api.environment().now(), options.scope.everybody);
    return list(api, *listing, format);
}

Outcome<Exit> log_in(Api& api, const SshOptions& options) {
    const auto machine = find_resource(api, options.name);
    if (!machine) return std::unexpected(machine.error());
    const std::string name = cell(*machine, "name");
    if (json::get_string(*machine, "kind") != "machine") {
        return fail(Exit::usage, fmt::format("{} is no machine", name), "`slipway machines` lists them");
    }
    const json::object& endpoint = object_in(*machine, "endpoint");
    const std::string host = json::get_string(endpoint, "host");
    if (host.empty()) {
        return fail(Exit::failed,
                    fmt::format("{} is {}: nothing can be reached there", name, cell(*machine, "state")),
                    fmt::format("`slipway wait {0}` waits for it; `slipway why {0}` tells how it stands", name));
    }
    // ssh obeys some texts in the place of a host; an address is none of them.
    if (!is_address(host)) return fail(Exit::failed, fmt::format("{} is at no address", name));
    std::vector<std::string> words{"ssh", "-o", "HostKeyAlias=" + key_alias(*machine), "-o", "CheckHostIP=no"};
    const std::string user = options.user.empty() ? json::get_string(*machine, "username") : options.user;
    if (!user.empty()) words.insert(words.end(), {"-l", user});
    words.insert(words.end(), {"-p", std::to_string(json::get_int(endpoint, "port", 22)), "--", host});
    words.insert(words.end(), options.command.begin(), options.command.end());
    Environment& environment = api.environment();
    environment.out.flush();
    return fail(Exit::failed, fmt::format("ssh cannot be started: {}", environment.become(words)),
                "install it: apt-get install openssh-client");
}

void add_machine_commands(CLI::App& app, Parsed& parsed) {
    CLI::App* machines = add_command(app, parsed,
                                     {"machines", "list machines with their addresses", "Resources",
                                      "  slipway machines\n  slipway machines -l env=test -o wide"},
                                     [&parsed](Api& api) {
                                         parsed.list.filters.kind = "machine";
                                         return list_machines(api, parsed.list, parsed.format());
                                     });
    add_value(*machines, "--plan", parsed.list.filters.plan, "PLAN", "e.g. tiny");
    add_value(*machines, "--state", parsed.list.filters.state, "STATE", "e.g. ready, failed");
    add_values(*machines, "--label", parsed.list.filters.labels, "NAME=VALUE", "has this label; may be repeated");
    add_value(*machines, "-l,--selector", parsed.list.filters.selector, "SELECTOR",
              "labels: env=prod,tier!=db,team,!old,zone in (a,b)");
    machines->add_flag("--gone", parsed.list.filters.gone, "also what is gone");
    add_scope_options(*machines, parsed.list.scope);
    add_output_option(*machines, parsed);

    CLI::App* ssh = add_command(app, parsed,
                                {"ssh", "log in to a machine, or run a command there", "Resources",
                                 "  slipway ssh web1\n  slipway ssh web1 -- uname -a"},
                                [&parsed](Api& api) { return log_in(api, parsed.ssh); });
    add_argument(*ssh, "RESOURCE", parsed.ssh.name, "the machine's name or id");
    ssh->add_option("COMMAND", parsed.ssh.command, "to run there instead of a shell; after --")
        ->type_name("COMMAND");
    add_value(*ssh, "--user", parsed.ssh.user, "TEXT", "another login than the one that it was made with");
}

}  // namespace slipway::cli
