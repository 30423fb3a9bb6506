// SPDX-License-Identifier: Apache-2.0

/// What became of the audio of one session, or, summed up, of many.
struct AudioAccount: Equatable, Sendable {
  /// Bytes that the session sent.
  var sentBytes = 0
  /// Bytes that the service remembers.
  var rememberedBytes = 0
  /// Sent bytes that the service does not remember.
  var lostBytes = 0
  /// Bytes within the ranges that were reported lost.
  var reportedLostBytes = 0
  /// Bytes within the ranges that were reported uncertain, and not as lost already.
  var uncertainBytes = 0
  /// Bytes that the service remembers more often than they were sent, or that were never sent.
  var duplicatedBytes = 0
  /// Bytes that the service remembers as often as they were sent, but at another place.
  var reorderedBytes = 0
  /// Sessions whose remembered audio is what was sent, in order, once, less only ranges that were
  /// reported lost or uncertain.
  var sessionsExact = 0

  /// Adds the account of another session.
  static func += (sum: inout AudioAccount, other: AudioAccount) {
    sum.sentBytes += other.sentBytes
    sum.rememberedBytes += other.rememberedBytes
    sum.lostBytes += other.lostBytes
    sum.reportedLostBytes += other.reportedLostBytes
    sum.uncertainBytes += other.uncertainBytes
    sum.duplicatedBytes += other.duplicatedBytes
    sum.reorderedBytes += other.reorderedBytes
    sum.sessionsExact += other.sessionsExact
  }
}

/// Compares what one session sent with what the service remembered of it.
///
/// Frames are compared by content, never by number: nobody numbers them on the wire. Frames may be
/// equal to each other (silence), so one cannot simply look up which sent frame a remembered one
/// is. Hence the two questions are kept apart:
///
/// - *Exact* asks whether there is any way to read the remembered audio as the sent audio with
///   nothing missing but frames within reported ranges.
/// - The byte counts compare how often each content was sent and remembered: too seldom is lost,
///   too often is duplicated. What is there often enough, but outside of the longest common
///   sequence of the two, is reordered.
struct AudioAccounting: Sendable {
  /// The frames that the session sent, in order.
  var sent: [FramePrint]
  /// The frames that the service remembers, in order.
  var remembered: [FramePrint]
  /// Ranges of bytes of the sent stream of which the application was told that they are lost.
  var reportedLost: [Range<Int>]
  /// Ranges of bytes of the sent stream of which it was told that nobody knows.
  var uncertain: [Range<Int>]
  /// Bytes that the service remembers; differs from the frames only if it holds part of one.
  var rememberedBytes: Int

  /// From prints, so that neither side has to keep the audio itself.
  init(
    sent: [FramePrint], remembered: [FramePrint],
    reportedLost: [Range<Int>] = [], uncertain: [Range<Int>] = []
  ) {
    self.sent = sent
    self.remembered = remembered
    self.reportedLost = reportedLost
    self.uncertain = uncertain
    self.rememberedBytes = remembered.count * Recording.frameBytes
  }

  /// From the positions in a recording at which the sent frames began, and the remembered bytes.
  init(
    sentPositions: [Int], of recording: Recording, rememberedBytes: [UInt8],
    reportedLost: [Range<Int>] = [], uncertain: [Range<Int>] = []
  ) {
    self.init(
      sent: sentPositions.map { FramePrint(recording.frame(at: $0)) },
      remembered: FramePrint.prints(of: rememberedBytes),
      reportedLost: reportedLost, uncertain: uncertain)
    self.rememberedBytes = rememberedBytes.count
  }

  /// The account of this one session.
  func account() -> AudioAccount {
    let (sent, remembered) = numbered()
    let lost = ByteRanges(reportedLost, within: self.sent.count * Recording.frameBytes)
    let excused = ByteRanges(
      reportedLost + uncertain, within: self.sent.count * Recording.frameBytes)
    var account = AudioAccount()
    account.sentBytes = sent.count * Recording.frameBytes
    account.rememberedBytes = rememberedBytes
    account.reportedLostBytes = lost.byteCount
    account.uncertainBytes = excused.byteCount - lost.byteCount
    let isExcused = excused.wholeFrames(count: sent.count)
    if FrameAlignment.isExact(sent: sent, remembered: remembered, mayBeAbsent: isExcused) {
      account.lostBytes = (sent.count - remembered.count) * Recording.frameBytes
      account.sessionsExact = 1
    } else {
      count(sent, remembered, in: &account)
    }
    return account
  }

  private func count(_ sent: [Int], _ remembered: [Int], in account: inout AudioAccount) {
    let kinds = (sent + remembered).reduce(0) { max($0, $1 + 1) }
    var balance = [Int](repeating: 0, count: kinds)
    for kind in sent { balance[kind] += 1 }
    for kind in remembered { balance[kind] -= 1 }
    let missing = balance.reduce(0) { $0 + max(0, $1) }
    let surplus = balance.reduce(0) { $0 + max(0, -$1) }
    let inBoth = sent.count - missing
    let inOrder = FrameAlignment.longestCommonSequence(sent, remembered)
    account.lostBytes = missing * Recording.frameBytes
    account.duplicatedBytes = surplus * Recording.frameBytes
    account.reorderedBytes = (inBoth - inOrder) * Recording.frameBytes
  }

  /// Small numbers instead of prints: equal numbers for equal frames, in order of appearance.
  private func numbered() -> (sent: [Int], remembered: [Int]) {
    var numbers: [FramePrint: Int] = [:]
    func number(_ print: FramePrint) -> Int {
      if let known = numbers[print] { return known }
      numbers[print] = numbers.count
      return numbers.count - 1
    }
    return (sent.map(number), remembered.map(number))
  }
}

/// Ranges of bytes, sorted and merged, within a stream of a certain length.
struct ByteRanges: Equatable, Sendable {
  let ranges: [Range<Int>]

  init(_ ranges: [Range<Int>], within length: Int) {
    var merged: [Range<Int>] = []
    for range in ranges.map({ $0.clamped(to: 0..<max(0, length)) }).sorted(by: {
      $0.lowerBound < $1.lowerBound
    }) where !range.isEmpty {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
  }

  var byteCount: Int { ranges.reduce(0) { $0 + $1.count } }

  /// For each frame of a stream, whether it lies wholly within a range.
  func wholeFrames(count: Int) -> [Bool] {
    var covered = [Bool](repeating: false, count: count)
    let size = Recording.frameBytes
    for range in ranges {
      let first = (range.lowerBound + size - 1) / size
      let end = min(count, range.upperBound / size)
      for frame in first..<max(first, end) { covered[frame] = true }
    }
    return covered
  }
}
