// The images of one installation, in a directory of its own:
//
//   images/tiny -> tiny@0f3a...     a symbolic link: what `tiny` is now
//   images/tiny@0f3a.../            a build: image.json and its files; nothing in it ever changes
//   images/.new-.../                a build that is being made; whoever makes it holds it locked
//
// A build is named by what is in it, so that another one of the same image is another directory: a machine's disk,
// which rests on the files of a build, never sees them change. A name is changed to another build by one rename.
// Several processes may use a store at once.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/random.h"
#include "base/result.h"
#include "images/image.h"

namespace slipway::images {

// A directory in which an image is made, gone with its object unless it was installed. What was left behind by a
// process that died is removed by the next one.
class Draft {
  public:
    Draft(Draft&&) = default;
    Draft& operator=(Draft&&) = delete;
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    ~Draft();
    // Becomes the build.
    [[nodiscard]] std::filesystem::path image() const { return path_ / "image"; }
    // For whatever else it takes.
    [[nodiscard]] std::filesystem::path scratch() const { return path_ / "scratch"; }

  private:
    friend class ImageStore;
    Draft(std::filesystem::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::filesystem::path path_;
    UniqueFd lock_;
};

// Whether anything, e.g. the disk of a machine, rests on files below the directory of a build. The store cannot
// know: whoever makes machines does.
using InUse = std::function<Result<bool>(const std::filesystem::path& build)>;

class ImageStore {
  public:
    // `directory` need not exist: the first draft makes it. Absolute, so that what rests on an image finds it.
    explicit ImageStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    struct Entry {
        std::string name;
        Result<Image> image;  // why it cannot be used
    };
    // By name. Errors: storage.
    [[nodiscard]] Result<std::vector<Entry>> list() const;

    // Its `directory` is the build's own and not the link's: keep that one. Errors: not_found, invalid_argument (no
    // such name can be), storage (it is damaged).
    [[nodiscard]] Result<Image> find(std::string_view name) const;
    // While what is answered lives, the build is not removed: for the time from find() until something rests on it
    // that an InUse sees. Errors: not_found (it has just been removed: find it anew), storage.
    [[nodiscard]] Result<UniqueFd> hold(const Image& image) const;

    // Removes drafts that nobody makes any more, too.
    [[nodiscard]] Result<Draft> begin(Random& random) const;
    // The files that `image` names lie in draft.image(), and what it says of them is so (describe_file). From then
    // on find() answers it; a former build of the name stays for what rests on it. The same content again is the
    // build that is there already, made whole where it was damaged. Nothing is lost by a crash: files first, then
    // the name.
    [[nodiscard]] Result<Image> install(Draft draft, const Image& image) const;

    // The name, and every build of it. Errors: not_found, conflict (something rests on one of them, or is about to:
    // then nothing is removed), storage.
    Status remove(std::string_view name, const InUse& in_use, Random& random) const;
    // Builds that no name stands for any more and nothing rests on; how many those were.
    Result<std::size_t> prune(const InUse& in_use, Random& random) const;

  private:
    [[nodiscard]] Result<std::string> target_of(std::string_view name) const;
    // Those of the name; of any where it is empty.
    [[nodiscard]] Result<std::vector<std::filesystem::path>> builds(std::string_view name) const;
    [[nodiscard]] Result<UniqueFd> put_in_place(const Draft& draft, const std::filesystem::path& build,
                                                const Image& image) const;
    [[nodiscard]] Status point(std::string_view name, const std::filesystem::path& build, const Draft& draft) const;
    [[nodiscard]] Status take_away(const std::filesystem::path& build, Random& random) const;
    void sweep() const;

    std::filesystem::path directory_;
};

}  // namespace slipway::images
