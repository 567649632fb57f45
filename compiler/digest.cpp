#include "compiler/digest.h"

#include "compiler/base/bytes.h"
#include "compiler/base/library.h"

#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/opensslv.h>

namespace xdpc {

namespace {

#define XDPC_TEXT_OF(x) XDPC_TEXT(x)
#define XDPC_TEXT(x) #x

struct Libcrypto {
    void* library;
    decltype(&EVP_MD_CTX_new) make;
    decltype(&EVP_MD_CTX_free) free;
    decltype(&EVP_sha256) sha256;
    decltype(&EVP_DigestInit_ex) init;
    decltype(&EVP_DigestUpdate) update;
    decltype(&EVP_DigestFinal_ex) final;
};

Libcrypto load() {
    static constexpr const char* names[] = {"libcrypto.so." XDPC_TEXT_OF(OPENSSL_SHLIB_VERSION), nullptr};
    void* library = load_library(names);
    return {library,
            loaded<decltype(&EVP_MD_CTX_new)>(library, "EVP_MD_CTX_new"),
            loaded<decltype(&EVP_MD_CTX_free)>(library, "EVP_MD_CTX_free"),
            loaded<decltype(&EVP_sha256)>(library, "EVP_sha256"),
            loaded<decltype(&EVP_DigestInit_ex)>(library, "EVP_DigestInit_ex"),
            loaded<decltype(&EVP_DigestUpdate)>(library, "EVP_DigestUpdate"),
            loaded<decltype(&EVP_DigestFinal_ex)>(library, "EVP_DigestFinal_ex")};
}

} // namespace

std::string digest_of(const Sources& sources) {
    static const Libcrypto crypto = load();
    if (crypto.library == nullptr) {
        return {}; // no digest: taken as changed
    }
    const std::unique_ptr<EVP_MD_CTX, decltype(crypto.free)> context(crypto.make(), crypto.free);
    int good = context ? crypto.init(context.get(), crypto.sha256(), nullptr) : 0;
    for (uint32_t i = 0; i < sources.size() && good == 1; ++i) {
        const std::string& text = sources.get(FileId{i}).text;
        const std::string length = fmt::format("{}\n", text.size());
        good = crypto.update(context.get(), length.data(), length.size());
        good = good == 1 ? crypto.update(context.get(), text.data(), text.size()) : good;
    }
    std::array<uint8_t, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (good != 1 || crypto.final(context.get(), bytes.data(), &size) != 1) {
        return {};
    }
    return hex_text({bytes.data(), size});
}

} // namespace xdpc
