// SPDX-License-Identifier: Apache-2.0

/// The truth about one change of connection: what it took, what it cost, what could not be saved.
public struct ReconnectReport: Sendable, Hashable {
  /// What happened to the conversation.
  public enum Outcome: String, Sendable, Hashable {
    /// The service took the handle: the conversation goes on from its checkpoint, as far as the
    /// protocol tells. A service that took it and forgot is noticed with its next usage report
    /// (``MemoryDoubt``).
    case resumed
    /// A new conversation, which knows nothing of the earlier one.
    case startedFresh
  }

  /// Why the connection changed.
  public var cause: InterruptionCause
  /// What happened to the conversation.
  public var outcome: Outcome
  /// When the new connection was live, on the broker's clock.
  public var at: EngineInstant
  /// From the close frame handed to the transport, or from the loss being noticed, until
  /// `setupComplete` arrived.
  public var gap: Duration
  /// How long the message that waited longest was held; zero if none was.
  public var longestHeld: Duration
  /// Dials that this change took.
  public var dials: Int
  /// Whether the new connection is authenticated by another credential.
  public var credentialRenewed: Bool
  /// Age of the handle that was used; nil for a fresh start.
  public var handleAge: Duration?
  /// Number of the new connection within the session.
  public var generation: UInt32
  /// What was sent and is not known to be remembered by the service.
  public var uncertain: Losses
  /// What was dropped before it was sent.
  public var dropped: Losses
  /// Messages that were sent a second time, because the first sending is uncertain.
  public var resentMessages: Int
  /// Of the uncertain text messages and marks, those that were not sent again because more were sent
  /// without a handle than ``OutboxPolicy`` keeps.
  public var unkeptMessages = 0
  /// Calls of the model whose results can no longer be delivered as such.
  public var lostCalls: [String]
}

/// An amount of input by kind, exact to the byte for audio.
public struct Losses: Sendable, Hashable {
  /// Audio, as ranges of the session's audio stream: byte 0 is the first byte of audio that the
  /// session accepted. In order, without overlap.
  public var audio: [Range<Int>] = []
  /// Bytes of video.
  public var videoBytes = 0
  /// Text messages and turns.
  public var textMessages = 0
  /// Tool responses.
  public var toolResponses = 0
  /// Marks: begin and end of an activity, end of the audio stream.
  public var activityMarks = 0

  /// Nothing lost.
  public init() {}

  /// Bytes of audio in all ranges.
  public var audioBytes: Int { audio.reduce(0) { $0 + $1.count } }

  /// Whether nothing at all was lost.
  public var isEmpty: Bool {
    audio.isEmpty && videoBytes == 0 && textMessages == 0 && toolResponses == 0
      && activityMarks == 0
  }

  /// Adds a range of audio after those already here, joined with the last one where they meet.
  mutating func add(audio range: Range<Int>) {
    guard !range.isEmpty else { return }
    if let last = audio.last, last.upperBound == range.lowerBound {
      audio[audio.count - 1] = last.lowerBound..<range.upperBound
    } else {
      audio.append(range)
    }
  }

  /// Adds amounts that come after those already here.
  mutating func add(_ more: Losses) {
    for range in more.audio { add(audio: range) }
    videoBytes += more.videoBytes
    textMessages += more.textMessages
    toolResponses += more.toolResponses
    activityMarks += more.activityMarks
  }
}
