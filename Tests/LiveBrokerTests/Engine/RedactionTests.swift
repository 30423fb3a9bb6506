// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// The service's own words go into errors and reports; a credential among them does not.
@Suite struct RedactionTests {
  @Test func aCloseThatQuotesCredentialsIsReportedWithoutThem() throws {
    let store = NotingStore()
    let stand = TestStand(broker: { $0.store = store })
    let witness = Witness(clock: stand.simulation.clock)
    try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration(), id: "one")
      try await withThrowingTaskGroup(of: Void.self) { group in
        witness.listen(to: session, in: &group)
        _ = try await session.send(text: "probe 1")
        try await stand.sleep(.seconds(5))
        let handle = try #require(store.handles.last).reveal()
        let reason = "no: auth_tokens/0123 \(handle.prefix(200))"
        // The emulator cuts a reason at 123 bytes; the handle has a hundred.
        stand.inject(.close(CloseNotice(code: 1008, reason: reason)))
        try await stand.sleep(.seconds(20))
        await session.close()
        try await group.waitForAll()
      }
    }
    let reports = witness.reconnects.map { "\($0)" }
    #expect(reports.contains { $0.contains("no: ") && $0.contains("redacted") }, "\(reports)")
    for report in reports {
      #expect(!report.contains("0123"))
      #expect(!store.handles.contains { report.contains($0.reveal().prefix(20)) })
    }
  }

  @Test(
    arguments: [
      ("bad auth_tokens/abc.", "bad ‹redacted›"), ("key AIzaSyX", "key ‹redacted›"),
      ("at ?key=1&x=2 now", "at ‹redacted› now"), ("x access_token=1", "x ‹redacted›"),
      ("two\\nlines\\tand \\u{1B}[31mred", "two lines and  [31mred"), ("plain text", "plain text"),
      ("line\\nauth_tokens/abc", "line ‹redacted›"), ("", ""),
    ])
  func whatLooksLikeACredentialIsTakenOut(_ escaped: String, _ wanted: String) throws {
    let text = escaped.replacing("\\n", with: "\n").replacing("\\t", with: "\t")
      .replacing("\\u{1B}", with: "\u{1B}")
    #expect(text.withoutCredentials() == wanted)
  }

  /// A handle bears no mark: 32 letters of both cases, digits, `-` and `_` in one run are what it
  /// looks like.
  @Test(
    arguments: [
      ("Abcdefghijklmnopqrstuvwxyz012345", true), ("Abc-efgh_jklmnopqrstuvwxyz012345", true),
      ("(Abcdefghijklmnopqrstuvwxyz012345)", true),
      ("handle:Abcdefghijklmnopqrstuvwxyz012345.", true),
      // One too short, and in two runs.
      ("Abcdefghijklmnopqrstuvwxyz01234", false), ("Abcdefghijklmnop/qrstuvwxyz012345", false),
      // Without a digit, a capital, a small letter.
      ("AbcdefghijklmnopqrstuvwxyzAbcdefghij", false),
      ("abcdefghijklmnopqrstuvwxyz0123456789", false),
      ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", false),
      ("gemini-2.5-flash-native-audio-preview-09-2025", false),
    ])
  func aLongOpaqueRunAloneLooksLikeACredential(_ word: String, isTakenOut: Bool) {
    let wanted = isTakenOut ? "no ‹redacted› here" : "no \(word) here"
    #expect("no \(word) here".withoutCredentials() == wanted)
  }

  @Test func knownSecretsAreTakenOutWhereverTheyStand() {
    let secrets = [Secret("h-1"), Secret("")]
    #expect("<h-1>, then h-1".withoutCredentials(secrets) == "<‹redacted›>, then ‹redacted›")
    #expect(String(repeating: "x", count: 1_000).withoutCredentials().count == 300)
  }
}
