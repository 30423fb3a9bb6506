// SPDX-License-Identifier: Apache-2.0

extension String {
  /// What the service says, made fit for an error, a report or a log: at most 300 characters, one
  /// line, and without anything that is or looks like a credential.
  ///
  /// - Parameter secrets: What is known to be one; taken out wherever it stands.
  func withoutCredentials(_ secrets: [Secret] = []) -> String {
    // A planned close says nothing, and the search prepares itself for long patterns.
    guard !isEmpty else { return self }
    var text = self
    for secret in secrets where secret.count > 0 && secret.count <= text.utf8.count {
      text = text.replacing(secret.reveal(), with: Self.redacted)
    }
    // A line of its own or a terminal's escape could forge a line of the log.
    let line = text.prefix(300).map { character in
      character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? character : " "
    }
    return line.split(separator: " ", omittingEmptySubsequences: false)
      .map { Self.looksLikeACredential($0) ? Self.redacted : String($0) }
      .joined(separator: " ")
  }

  private static let redacted = "‹redacted›"
  private static let marks = ["auth_tokens/", "AIza", "key=", "token="]

  private static func looksLikeACredential(_ word: ArraySlice<Character>) -> Bool {
    let word = String(word)
    return marks.contains { word.contains($0) } || hasOpaqueRun(word)
  }

  /// Whether there is a run as long as a handle, of letters of both cases and digits: no word, and
  /// no name of a model, a field or a status, looks so.
  private static func hasOpaqueRun(_ word: String) -> Bool {
    let runs = word.utf8.split { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): false
      default: true
      }
    }
    return runs.contains { run in
      run.count >= 32 && run.contains { (0x30...0x39).contains($0) }
        && run.contains { (0x41...0x5A).contains($0) }
        && run.contains { (0x61...0x7A).contains($0) }
    }
  }
}
