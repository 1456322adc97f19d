// What the HTTP threads may know of parts that live on the engine's thread: refreshed there, read anywhere.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "domain/catalog.h"
#include "domain/ports.h"

namespace slipway {

// Thread-safe.
class StatusBoard final : public ProviderDirectory {
  public:
    // One state of a part, with the reason where it is not usable. Both texts are public.
    struct Part {
        std::string name;
        Status state;
        bool needed = true;  // a server that lacks it cannot do its work
        // What to do where it is not usable. Providers name the package in their reasons, where one is missing.
        [[nodiscard]] std::string fix() const;
    };

    // As last refreshed; unavailable for what no plan uses.
    [[nodiscard]] Result<ProviderTraits> traits(std::string_view provider, Kind kind,
                                                std::string_view engine) const override;

    // Asks `directory` for every plan. Called on the thread that the directory lives on. Answers what became
    // available or unavailable since the last time, for the log.
    struct Change {
        std::string provider;
        Kind kind = Kind::cache;
        std::string engine;
        Status state;
    };
    std::vector<Change> refresh(const ProviderDirectory& directory, const Catalog& catalog);
    void set_store(Status state);

    // The store, then what providers make for plans. Where a provider can make something, the rest of it is not
    // needed: a server without MariaDB serves everything else. Nor are backups, nor machines where anything else
    // can be made: few servers have what it takes to run those.
    [[nodiscard]] std::vector<Part> parts() const;

  private:
    using Key = std::tuple<std::string, Kind, std::string>;
    mutable std::mutex mutex_;
    std::map<Key, Result<ProviderTraits>> traits_;
    Status store_;
};

}  // namespace slipway
