#include "main/image_verbs.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/image_uses.h"
#include "images/import.h"
#include "images/qcow2.h"
#include "images/recipes.h"
#include "main/state_dir.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

images::ImageStore store_of(const fs::path& state_dir) {
    return images::ImageStore(StateDir{fs::absolute(state_dir)}.images());
}

json::object to_json(const images::Image& image) {
    json::object object = json::parse(images::write_image(image))->get_object();
    object["directory"] = image.directory.string();
    object["problem"] = nullptr;
    return object;
}

json::object damaged(const std::string& name, const Error& error) {
    return {{"name", name}, {"problem", images::in_one_line(error)}};
}

// Whoever builds writes to the directory and leaves files there that the server's user has to be able to remove.
Result<StateDir> prepare(const std::string& path) {
    auto prepared = prepare_state_dir(path);
    struct stat facts{};
    if (prepared || ::stat(path.c_str(), &facts) != 0 || facts.st_uid == ::geteuid()) return prepared;
    const passwd* owner = ::getpwuid(facts.st_uid);
    return fail(ErrorCode::forbidden,
                fmt::format("{} is {}'s: run this as that user, e.g. by sudo -u {}", path,
                            owner != nullptr ? owner->pw_name : fmt::format("uid {}", facts.st_uid),
                            owner != nullptr ? owner->pw_name : fmt::format("'#{}'", facts.st_uid)));
}

}  // namespace

std::vector<std::string> passed_on(const Environment& environment) {
    std::vector<std::string> variables;
    for (const char* name : {"http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "TMPDIR"}) {
        if (const auto value = environment(name)) variables.push_back(fmt::format("{}={}", name, *value));
    }
    return variables;
}

images::InUse machines_below(const fs::path& state_dir) {
    return [state_dir](const fs::path& build) -> Result<bool> {
        const Result<bool> used = images::ImageUses(state_dir / "images").any(build.filename().string());
        if (!used || *used) return used;
        return images::rests_below(build, state_dir, {"backups", "images", "instances", "store"});
    };
}

bool ImageVerbs::valid_name(std::string_view name) const { return images::valid_image_name(name); }

std::vector<std::pair<std::string, std::string>> ImageVerbs::recipes() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const images::Recipe& each : images::recipes()) all.emplace_back(each.name, each.help);
    return all;
}

Result<json::array> ImageVerbs::list(const std::string& state_dir) {
    const auto found = store_of(state_dir).list();
    if (!found) return fail(found.error());
    json::array all;
    for (const auto& each : *found) {
        all.emplace_back(each.image ? to_json(*each.image) : damaged(each.name, each.image.error()));
    }
    return all;
}

Result<json::object> ImageVerbs::show(const std::string& state_dir, const std::string& name) {
    const auto image = store_of(state_dir).find(name);
    if (image) return to_json(*image);
    if (image.error().code == ErrorCode::storage) return damaged(name, image.error());
    return fail(image.error());
}

Status ImageVerbs::check(const std::string& state_dir, const std::string& name) {
    const auto image = store_of(state_dir).find(name);
    return image ? images::check_contents(*image) : fail(image.error());
}

Result<json::object> ImageVerbs::make(const std::string& state_dir, const cli::LongWork& work, const Make& how) {
    const auto prepared = prepare(state_dir);
    if (!prepared) return fail(prepared.error());
    const images::ImageStore store = store_of(prepared->path);
    const images::Programs programs(work.stop, passed_on(environment_));
    const images::Progress say = [&](std::string_view sentence) { work.say(std::string(sentence)); };
    const auto image = how(store, {programs, say, clock_, random_});
    if (!image) return fail(image.error());
    // What is left of former builds costs room only: a failure is not this one's.
    static_cast<void>(store.prune(machines_below(prepared->path), random_));
    return to_json(*image);
}

Result<json::object> ImageVerbs::build(const std::string& state_dir, const std::string& name,
                                       const cli::LongWork& work) {
    return make(state_dir, work, [&](const images::ImageStore& store, const images::Workshop& workshop) {
        return images::build_image(name, store, workshop);
    });
}

Result<json::object> ImageVerbs::import(const std::string& state_dir, const cli::ImageOptions& options,
                                        const cli::LongWork& work) {
    const images::ImportSource source{options.file, options.url, options.sha256};
    return make(state_dir, work, [&](const images::ImageStore& store, const images::Workshop& workshop) {
        return images::import_image(options.name, source, store, workshop);
    });
}

Status ImageVerbs::remove(const std::string& state_dir, const std::string& name) {
    return store_of(state_dir).remove(name, machines_below(fs::absolute(state_dir)), random_);
}

}  // namespace slipway
