// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct SecretTests {
  @Test func aSecretNeverShowsInADescription() {
    let secret = Secret("auth_tokens/very-secret")
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])"] {
      #expect(!text.contains("very-secret"))
    }
    #expect(secret.reveal() == "auth_tokens/very-secret")
  }

  @Test func secretsAreEqualByTheirBytes() {
    #expect(Secret("abc") == Secret("abc"))
    #expect(Secret("abc") != Secret("abd"))
    #expect(Secret("abc").hashValue == Secret("abc").hashValue)
  }
}
