// The local provider with a helper and real engines of its own, in a directory of its own.
#pragma once

#include <set>

#include "providers/local/local_provider.h"
#include "subject.h"

namespace slipway::testing {

class LocalSubject final : public Subject {
  public:
    // Makes engines of this kind.
    explicit LocalSubject(std::string engine = "redis");
    ~LocalSubject() override;

    // Of its database servers, from now on.
    void use(sql::SharedTls tls);
    void crash() override;
    // The next helper kills itself at this checkpoint.
    void crash_with_helper_that_dies_at(const std::string& checkpoint);
    Provider& provider() override { return *provider_; }
    LiveEngines& live() { return *provider_; }
    Spec spec() override;
    std::string picture() override;
    std::string identity(const std::string& name) override;
    void plant_foreign(const std::string& name) override;
    void unplant_foreign(const std::string& name) override;
    void make_stop(const std::string& name) override;
    std::vector<std::string> leftovers() override;

    [[nodiscard]] std::string directory(const std::string& name) const { return temp_.root() + "/" + name; }
    [[nodiscard]] const std::string& path() const { return temp_.path(); }
    // The one that the helper started; an engine may have children.
    std::optional<agent::Process> process(const std::string& name) const;
    agent::AgentClient& client() { return *client_; }

  private:
    // Its files change by themselves, and with every login.
    [[nodiscard]] bool is_database() const { return engine_ == "postgres" || engine_ == "mysql"; }
    void open(std::vector<std::string> extra, bool start);
    static std::int64_t first_uid();

    const std::string engine_;
    sql::SharedTls tls_;
    TempRoot temp_;
    std::unique_ptr<agent::AgentClient> client_;
    std::unique_ptr<local::LocalProvider> provider_;
    std::set<std::int64_t> ports_;
    std::int64_t uids_ = 0;
};

// A port that nothing listened on a moment ago.
std::uint16_t free_port();
// The ports that are listened on, from /proc.
std::set<std::int64_t> listening_ports();

}  // namespace slipway::testing
