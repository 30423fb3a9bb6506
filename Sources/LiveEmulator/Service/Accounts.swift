// SPDX-License-Identifier: Apache-2.0

/// How many entries of one kind came, and how many bytes they held.
public struct Tally: Sendable, Hashable {
  /// Entries: messages, or function responses.
  public var count: Int
  /// Bytes of the decoded media, or of the text as UTF-8.
  public var bytes: Int

  /// Makes a tally; nothing by default.
  public init(count: Int = 0, bytes: Int = 0) {
    self.count = count
    self.bytes = bytes
  }

  /// Adds one entry.
  @inline(__always)
  mutating func add(bytes more: Int) {
    count &+= 1
    bytes &+= more
  }

  static func - (lhs: Self, rhs: Self) -> Self {
    Tally(count: lhs.count - rhs.count, bytes: lhs.bytes - rhs.bytes)
  }

  static func + (lhs: Self, rhs: Self) -> Self {
    Tally(count: lhs.count + rhs.count, bytes: lhs.bytes + rhs.bytes)
  }
}

/// Tallies by kind of client message.
public struct Tallies: Sendable, Hashable {
  /// Realtime audio (and the deprecated media chunks of an audio type).
  public var audio = Tally()
  /// Realtime video frames.
  public var video = Tally()
  /// Realtime text.
  public var text = Tally()
  /// Client content; bytes are those of its texts.
  public var content = Tally()
  /// Function responses; bytes are those of their JSON.
  public var toolResponses = Tally()
  /// Activity marks and ends of the audio stream.
  public var marks = Tally()
  /// Context updates.
  public var contextUpdates = Tally()

  /// Nothing.
  public init() {}

  /// All entries together.
  public var count: Int {
    audio.count + video.count + text.count + content.count + toolResponses.count + marks.count
      + contextUpdates.count
  }

  /// Bytes of audio and video.
  public var mediaBytes: Int { audio.bytes + video.bytes }

  /// What is in `lhs` beyond `rhs`, kind by kind.
  public static func - (lhs: Self, rhs: Self) -> Self { lhs.combined(with: rhs) { $0 - $1 } }

  /// Both together, kind by kind.
  public static func + (lhs: Self, rhs: Self) -> Self { lhs.combined(with: rhs) { $0 + $1 } }

  private func combined(with other: Self, _ operation: (Tally, Tally) -> Tally) -> Self {
    var result = Tallies()
    result.audio = operation(audio, other.audio)
    result.video = operation(video, other.video)
    result.text = operation(text, other.text)
    result.content = operation(content, other.content)
    result.toolResponses = operation(toolResponses, other.toolResponses)
    result.marks = operation(marks, other.marks)
    result.contextUpdates = operation(contextUpdates, other.contextUpdates)
    return result
  }
}

/// One thing that a session remembers besides audio.
public struct RememberedItem: Sendable, Hashable {
  /// What it is.
  public enum Kind: Sendable, Hashable {
    /// Realtime text.
    case text(String)
    /// Client content: the texts of its turns joined, and whether it ended the turn.
    case content(String, turnComplete: Bool)
    /// A function response; `response` is its JSON.
    case toolResponse(id: String, name: String, response: String)
    /// The user began to speak or act.
    case activityStart
    /// The user ended.
    case activityEnd
    /// The microphone was switched off.
    case audioStreamEnd
    /// A frame of video: its size, and the digest of its bytes alone.
    case video(bytes: Int, digest: UInt64)
    /// The system instruction or the tools were replaced.
    case contextUpdate
  }

  /// What it is.
  public var kind: Kind
  /// How many bytes of audio the session remembered when it came: its place between the media.
  public var audioOffset: Int
}

/// What came off the wire for a session, whether it is remembered or not. Never rolled back.
public struct ReceivedAccount: Sendable, Hashable {
  /// By kind.
  public internal(set) var tallies = Tallies()
  /// Digest of all audio.
  public internal(set) var audioDigest = StreamDigest()
}

/// What a session remembers: rolled back to its checkpoint by a resume.
public struct RememberedAccount: Sendable, Hashable {
  /// By kind.
  public internal(set) var tallies = Tallies()
  /// Digest of all remembered audio.
  public internal(set) var audioDigest = StreamDigest()
  /// The remembered audio, up to ``AccountRules/audioKept`` bytes of it.
  public internal(set) var audio: [UInt8] = []
  /// Digest of each remembered message of audio by itself, up to
  /// ``AccountRules/audioDigestsKept`` of them: what is missing can be told from them.
  public internal(set) var audioDigests: [UInt64] = []
  /// Everything but audio in the order of arrival, up to ``AccountRules/itemsKept``.
  public internal(set) var items: [RememberedItem] = []
  /// How many items there are, kept or not.
  public internal(set) var itemCount = 0

  /// Whether ``items`` holds all of them.
  public var holdsAllItems: Bool { items.count == itemCount }
  /// Whether ``audio`` holds all of it.
  public var holdsAllAudio: Bool { audio.count == tallies.audio.bytes }

  mutating func addAudio(_ bytes: [UInt8], keeping rules: AccountRules) {
    if audio.count == tallies.audio.bytes, audio.count < rules.audioKept {
      audio.append(contentsOf: bytes.prefix(rules.audioKept - audio.count))
    }
    if audioDigests.count == tallies.audio.count, audioDigests.count < rules.audioDigestsKept {
      var digest = StreamDigest()
      digest.update(bytes)
      audioDigests.append(digest.value)
    }
    tallies.audio.add(bytes: bytes.count)
    audioDigest.update(bytes)
  }

  mutating func add(_ kind: RememberedItem.Kind, keeping limit: Int) {
    if items.count == itemCount, items.count < limit {
      items.append(RememberedItem(kind: kind, audioOffset: tallies.audio.bytes))
    }
    itemCount += 1
  }

  /// Forgets everything that came after `mark`, which is an earlier state of this account.
  mutating func rewind(to mark: Checkpoint) {
    tallies = mark.tallies
    audioDigest = mark.audioDigest
    itemCount = mark.itemCount
    if audio.count > tallies.audio.bytes {
      audio.removeLast(audio.count - tallies.audio.bytes)
    }
    if audioDigests.count > tallies.audio.count {
      audioDigests.removeLast(audioDigests.count - tallies.audio.count)
    }
    if items.count > itemCount { items.removeLast(items.count - itemCount) }
  }

  /// Forgets everything, without giving memory back that the session will need again.
  mutating func forget() { self = RememberedAccount() }
}
