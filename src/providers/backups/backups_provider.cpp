#include "providers/backups/backups_provider.h"

#include <sys/stat.h>

#include "providers/backups/tenant_session.h"
#include "providers/backups/work.h"
#include "providers/provider_error.h"

namespace slipway::backups {
namespace {

constexpr Duration kMeasuring = std::chrono::seconds(8);
constexpr std::size_t kRemovals = 2;
constexpr std::size_t kMostListed = 500;  // of one page
// Freeing the room of a large file takes a while.
constexpr std::uint64_t kLarge = 32ULL << 20;

Observation seen(Presence presence, std::string detail = {}) {
    Observation made;
    made.presence = presence;
    made.detail = std::move(detail);
    return made;
}

Observation running(const BackupMeta& meta) {
    Observation made = seen(Presence::running);
    made.handle = {{"file", meta.external_name},
                   {"bytes", meta.bytes},
                   {"sha256", meta.sha256},
                   {"engine_version", meta.engine_version}};
    return made;
}

Observation pending(const JobView& view) {
    Observation made = seen(Presence::pending, words_of(view, "dumped"));
    made.look_again = look_again(view);
    return made;
}

Observation going() {
    Observation made = seen(Presence::deleting, "it is being removed");
    made.look_again = std::chrono::milliseconds(50);
    return made;
}

}  // namespace

BackupsProvider::BackupsProvider(BackupsOptions options, DatabaseLogins& logins)
    : options_(std::move(options)),
      files_(options_.directory),
      logins_(logins),
      jobs_(options_.at_once),
      removals_(kRemovals) {
    if (!options_.tls) options_.tls = std::make_shared<const sql::TlsSource>();
    files_.tidy();
}

Status BackupsProvider::available(Kind kind, std::string_view engine) const {
    if (kind == Kind::backup && (engine == "postgres" || engine == "mysql")) return usable(options_.tools, engine);
    return fail(ErrorCode::unavailable,
                fmt::format("the backups provider cannot make {} {}", engine, to_string(kind)));
}

bool BackupsProvider::ours(const BackupMeta& meta, const Target& target) const {
    return meta.installation == target.installation && meta.resource == target.resource &&
           meta.generation == target.generation && meta.external_name == target.external_name;
}

std::optional<Observation> BackupsProvider::look(const Target& target) {
    if (const auto view = removals_.look(target.external_name); view && !view->finished) return going();
    // Before the file: a job that ends in between has put it in its place.
    const auto view = jobs_.look(target.external_name);
    if (const auto meta = files_.find(target.external_name)) {
        if (!ours(*meta, target)) {
            return seen(Presence::foreign, "the file of its name belongs to another backup, or to somebody else");
        }
        if (files_.whole(*meta)) return running(*meta);
        return std::nullopt;  // what is not whole is no backup
    }
    const auto making = files_.find(target.external_name, true);
    if (making && !making->installation.empty() && !ours(*making, target)) {
        return seen(Presence::foreign, "a backup of its name is made for somebody else");
    }
    if (!view) return std::nullopt;
    if (!view->finished) return pending(*view);
    switch (view->finished->how) {
        // Its file is gone since.
        case Finished::How::well: return std::nullopt;
        case Finished::How::not_now: return seen(Presence::stopped, view->finished->why);
        case Finished::How::never: return seen(Presence::failed, view->finished->why);
    }
    return std::nullopt;
}

Task<ProviderAnswer> BackupsProvider::observe(Target target, Spec /*spec*/, Duration /*budget*/) {
    if (!BackupFiles::valid_name(target.external_name)) co_return Observation{};
    co_return look(target).value_or(Observation{});
}

Task<ProviderAnswer> BackupsProvider::update(Target target, Spec spec, Duration budget) {
    return observe(std::move(target), std::move(spec), budget);
}

Task<ProviderAnswer> BackupsProvider::create(Target target, Spec spec, Duration budget) {
    const Deadline deadline(budget);
    if (!BackupFiles::valid_name(target.external_name)) {
        co_return refuse(ErrorClass::permanent, "its external name cannot be that of a file");
    }
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(target.external_name, deadline);
    if (!guard) co_return refuse(ErrorClass::transient, "another call for the same name is still under way");
    if (files_.removed_before(target.external_name, target.generation)) {
        co_return refuse(ErrorClass::permanent, "it was removed before");
    }
    std::optional<Observation> found = look(target);
    if (!found) co_return co_await begin(target, spec, deadline);
    if (found->presence != Presence::stopped) co_return std::move(*found);
    // It failed for now: that is said once, and the next call begins anew.
    const auto view = jobs_.look(target.external_name);
    jobs_.drop(target.external_name);
    co_return refuse(ErrorClass::transient, found->detail,
                     view && view->finished ? view->finished->detail : std::string());
}

Task<ProviderAnswer> BackupsProvider::begin(const Target& target, const Spec& spec, Deadline deadline) {
    if (files_.find(target.external_name)) {
        co_return refuse(ErrorClass::permanent, "its file was there and is not whole any more");
    }
    const ResourceId source(json::get_string(spec.parameters, "source"));
    if (source.empty()) co_return refuse(ErrorClass::permanent, "nothing says which database it is a backup of");
    auto login = co_await logins_.find(source);
    if (!login) {
        co_return refuse(ErrorClass::transient, "its database cannot be reached now",
                         login.error().message + ": " + login.error().detail);
    }
    if (!*login) co_return refuse(ErrorClass::permanent, "the database that it is to be of is not there any more");
    if ((*login)->engine != spec.engine) {
        co_return refuse(ErrorClass::permanent, "the database that it is to be of is of another engine");
    }
    if (const Status can = usable(options_.tools, spec.engine); !can) {
        co_return refuse(ErrorClass::permanent, can.error().message);
    }
    const auto measured = co_await measure(**login, options_.tls->now().expected(), deadline.within(kMeasuring));
    // Nothing was begun: whatever it was, nothing of it is left.
    if (!measured) {
        ProviderError error = error_of(measured.error());
        if (error.error_class == ErrorClass::unknown_outcome) error.error_class = ErrorClass::transient;
        co_return std::unexpected(std::move(error));
    }
    if (options_.tls->now().on()) (*login)->tls = "require";
    BackupMeta meta{target.installation,
                    target.resource,
                    target.generation,
                    target.external_name,
                    spec.engine,
                    measured->engine_version,
                    0,
                    ""};
    DumpOrder order{options_.tools,
                    **login,
                    files_,
                    std::move(meta),
                    static_cast<std::uint64_t>(json::get_int(spec.parameters, "max_size_mb")) << 20,
                    options_.limit};
    jobs_.drop(target.external_name);  // one that is through, whose file is gone
    jobs_.start(target.external_name, measured->bytes,
                [order = std::move(order)](JobSide& side) { return dump(side, order); });
    co_return pending(jobs_.look(target.external_name).value_or(JobView{}));
}

Task<ProviderAnswer> BackupsProvider::remove(Target target, Spec /*spec*/, Duration budget) {
    if (!BackupFiles::valid_name(target.external_name)) co_return Observation{};
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(target.external_name, Deadline(budget));
    if (!guard) co_return refuse(ErrorClass::transient, "another call for the same name is still under way");
    co_return take_away(target);
}

// A large one by a job, since that takes a while.
ProviderAnswer BackupsProvider::take_away(const Target& target) {
    const std::string& name = target.external_name;
    if (const auto view = removals_.look(name)) {
        if (!view->finished) return going();
        const Finished finished = *view->finished;
        removals_.drop(name);
        if (finished.how != Finished::How::well) {
            return refuse(ErrorClass::transient, finished.why, finished.detail);
        }
    }
    const std::optional<Observation> found = look(target);
    if (found && found->presence == Presence::foreign) return *found;
    if (!jobs_.drop(name)) return going();
    struct stat facts{};
    const bool large =
        ::lstat(files_.data(name).c_str(), &facts) == 0 && static_cast<std::uint64_t>(facts.st_size) > kLarge;
    const auto work = [files = files_, name, generation = target.generation](JobSide&) -> Finished {
        const Status removed = files.remove(name, generation);
        if (removed) return {};
        return {Finished::How::not_now, removed.error().message, removed.error().detail};
    };
    if (large) {
        removals_.start(name, 0, work);
        return going();
    }
    JobSide unused;
    const Finished finished = work(unused);
    if (finished.how != Finished::How::well) return refuse(ErrorClass::transient, finished.why, finished.detail);
    return Observation{};
}

Task<std::expected<InventoryPage, ProviderError>> BackupsProvider::inventory(std::string cursor,
                                                                             Duration /*budget*/) {
    const auto all = files_.list();
    if (!all) co_return refuse(ErrorClass::transient, all.error().message, all.error().detail);
    InventoryPage page;
    for (const BackupFiles::Listed& each : *all) {
        if (each.name <= cursor) continue;
        if (page.items.size() == kMostListed) {
            page.next = page.items.back().external_name;
            break;
        }
        InventoryItem& item = page.items.emplace_back();
        item.external_name = each.name;
        item.installation = each.meta.installation;
        item.resource = each.meta.resource;
        item.generation = each.meta.generation;
        if (each.being_made) {
            item.presence = Presence::pending;
        } else if (!files_.whole(each.meta)) {
            item.presence = Presence::failed;
            item.detail = "its file is not whole";
        }
    }
    co_return page;
}

}  // namespace slipway::backups
