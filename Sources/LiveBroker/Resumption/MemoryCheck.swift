// SPDX-License-Identifier: Apache-2.0

/// Looks whether a resumed conversation is as long as the one that its handle led back to.
///
/// That the service accepts a handle does not tell that it remembers (field reports: the setup is
/// completed, and the memory is gone). Nothing in the protocol tells; but the first usage report after
/// a resume counts the tokens of the prompt, hence of the conversation so far. Less than half of what
/// it was when the handle came is a reason to doubt.
struct MemoryCheck: Sendable {
  /// Prompt tokens of the newest usage report, and of the newest when the last handle came.
  private var latest: UInt32 = 0
  private var atHandle: UInt32 = 0
  /// Whether the next usage report is the first since a resume.
  private var isDue = false

  mutating func handleCame() { atHandle = latest }

  /// A new connection is live.
  mutating func connected(isResumed: Bool) {
    isDue = isResumed && atHandle > 0
    if !isResumed { self = MemoryCheck() }
  }

  /// The service reported usage. Gives what is to be doubted.
  mutating func used(promptTokens: Int) -> MemoryDoubt? {
    guard promptTokens > 0 else { return nil }
    latest = UInt32(clamping: promptTokens)
    guard isDue else { return nil }
    isDue = false
    guard Int(latest) * 2 < Int(atHandle) else { return nil }
    return MemoryDoubt(promptTokensBefore: Int(atHandle), promptTokensAfter: Int(latest))
  }
}

/// A reason to doubt that a resumed conversation is remembered: the service took the handle, and then
/// counted far fewer tokens of conversation than before.
///
/// A doubt and no proof: a sliding context window shortens a conversation too. An application that
/// cannot live with it begins a new session and tells it what it needs to know.
public struct MemoryDoubt: Sendable, Hashable {
  /// Tokens of the prompt in the last usage report before the handle came.
  public var promptTokensBefore: Int
  /// Tokens of the prompt in the first usage report after the resume.
  public var promptTokensAfter: Int
}
