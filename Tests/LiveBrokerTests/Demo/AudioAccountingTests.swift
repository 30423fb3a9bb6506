// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct AudioAccountingTests {
  /// A print for each letter, so that sequences of frames can be written as words.
  private static func prints(_ word: String) -> [FramePrint] { word.utf8.map { FramePrint([$0]) } }

  private static func frames(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound * 640..<range.upperBound * 640
  }

  private static func account(
    _ sent: String, _ remembered: String, lost: [Range<Int>] = [], uncertain: [Range<Int>] = []
  ) -> AudioAccount {
    AudioAccounting(
      sent: prints(sent), remembered: prints(remembered), reportedLost: lost.map(frames),
      uncertain: uncertain.map(frames)
    ).account()
  }

  /// `_` is silence: frames that are equal to each other.
  @Test(arguments: [
    // sent, remembered, lost ranges, uncertain ranges, then frames lost, doubled, moved; exact
    ("", "", [], [], 0, 0, 0, true),
    ("abcdef", "abcdef", [], [], 0, 0, 0, true),
    ("abcdef", "abcdef", [1..<3], [4..<6], 0, 0, 0, true),
    ("abcdef", "abef", [2..<4], [], 2, 0, 0, true),
    ("abcdef", "abef", [], [2..<4], 2, 0, 0, true),
    ("abcdef", "abdef", [], [1..<4], 1, 0, 0, true),
    ("abcdef", "abcd", [], [3..<6], 2, 0, 0, true),
    ("abcdef", "", [0..<6], [], 6, 0, 0, true),
    ("abcdef", "abef", [], [], 2, 0, 0, false),
    ("abcdef", "abef", [3..<6], [], 2, 0, 0, false),
    ("abcdef", "abef", [2..<3], [4..<5], 2, 0, 0, false),
    ("abcdef", "abccdef", [], [], 0, 1, 0, false),
    ("abcdef", "abcabcdef", [], [], 0, 3, 0, false),
    ("abcdef", "abcabcdef", [0..<6], [], 0, 3, 0, false),
    ("abcdef", "abdcef", [], [], 0, 0, 1, false),
    ("abcdef", "abdcef", [0..<6], [], 0, 0, 1, false),
    ("abcdef", "defabc", [], [], 0, 0, 3, false),
    ("abcdef", "abccef", [3..<4], [], 1, 1, 0, false),
    ("abcdef", "abxcdef", [], [], 0, 1, 0, false),
    ("abcdef", "xyz", [], [], 6, 3, 0, false),
    ("", "a", [], [], 0, 1, 0, false),
    ("a__b__c", "a_b__c", [1..<2], [], 1, 0, 0, true),
    ("a__b__c", "a_b__c", [2..<3], [], 1, 0, 0, true),
    ("a__b__c", "a_b__c", [4..<6], [], 1, 0, 0, false),
    ("a__b__c", "a__b_c", [1..<3], [], 1, 0, 0, false),
    ("a__b__c", "a___b_c", [], [], 0, 0, 1, false),
    ("____", "___", [0..<1], [], 1, 0, 0, true),
    ("____", "_____", [0..<4], [], 0, 1, 0, false),
    // A greedy reading uses the excused silence for the one that must be there.
    ("_a_b", "_b", [0..<2], [], 2, 0, 0, true),
    ("_a_ab", "_ab", [0..<2], [], 2, 0, 0, true),
    ("ababc", "abc", [], [0..<2], 2, 0, 0, true),
    ("ababc", "abc", [], [1..<3], 2, 0, 0, true),
    ("ababc", "abc", [], [2..<3], 2, 0, 0, false),
  ])
  func wordsAreAccountedFor(
    _ sent: String, _ remembered: String, _ lost: [Range<Int>], _ uncertain: [Range<Int>],
    _ missing: Int, _ doubled: Int, _ moved: Int, _ isExact: Bool
  ) {
    let account = Self.account(sent, remembered, lost: lost, uncertain: uncertain)
    #expect(account.sentBytes == sent.count * 640)
    #expect(account.rememberedBytes == remembered.count * 640)
    #expect(account.lostBytes == missing * 640)
    #expect(account.duplicatedBytes == doubled * 640)
    #expect(account.reorderedBytes == moved * 640)
    #expect(account.sessionsExact == (isExact ? 1 : 0))
  }

  @Test func rangesAreMergedClippedAndCountedOnce() {
    let account = Self.account(
      "abcdef", "abcdef", lost: [1..<3, 2..<4, 5..<9], uncertain: [-3..<2, 5..<6])
    #expect(account.reportedLostBytes == 4 * 640)
    #expect(account.uncertainBytes == 1 * 640)
  }

  @Test func aFrameIsExcusedOnlyIfItLiesWhollyWithinReportedRanges() {
    func isExact(_ lost: [Range<Int>], _ uncertain: [Range<Int>]) -> Bool {
      AudioAccounting(
        sent: Self.prints("abc"), remembered: Self.prints("ac"), reportedLost: lost,
        uncertain: uncertain
      ).account().sessionsExact == 1
    }
    #expect(isExact([640..<1280], []))
    #expect(isExact([640..<1000], [1000..<1280]))
    #expect(!isExact([641..<1280], []))
    #expect(!isExact([640..<1279], []))
    #expect(!isExact([640..<1279], [1280..<1300]))
  }

  @Test func aRememberedPartOfAFrameIsNotExact() throws {
    let recording = try Recording.builtIn()
    let positions = recording.positions(from: 4000, count: 50)
    let bytes = positions.flatMap { recording.frame(at: $0) }
    func account(_ remembered: [UInt8]) -> AudioAccount {
      AudioAccounting(sentPositions: positions, of: recording, rememberedBytes: remembered)
        .account()
    }
    #expect(account(bytes).sessionsExact == 1)
    let cut = account(bytes.dropLast(2))
    #expect(cut.sessionsExact == 0)
    #expect(cut.rememberedBytes == bytes.count - 2)
    #expect(cut.lostBytes == 640)
  }

  /// Sent speech of 3,000 frames with equal silences in it; each seed cuts out, doubles or moves
  /// parts of it, and says only some of that.
  @Test(arguments: UInt64(1)...40)
  func whatWasDoneToAStreamIsFound(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let sent: [Int] = (0..<3000).map { Int.random(in: 0..<10, using: &random) == 0 ? -1 : $0 }
    var remembered: [Int] = []
    var reported: [Range<Int>] = []
    var lost = 0
    var doubled: [Int] = []
    var isExact = true
    var start = 0
    while start < sent.count {
      let end = min(sent.count, start + Int.random(in: 1...60, using: &random))
      let part = Array(sent[start..<end])
      switch Int.random(in: 0..<12, using: &random) {
      case 0:  // Lost, and said so, generously.
        reported.append(Self.frames(max(0, start - 3)..<end + 2))
        lost += part.count
      case 1:  // Uncertain, but all of it arrived.
        reported.append(Self.frames(start..<end))
        remembered += part
      case 2 where seed.isMultiple(of: 2):  // Doubled, which nothing excuses.
        remembered += part + part
        doubled += part
        isExact = false
      case 3 where seed.isMultiple(of: 3):  // Lost in silence.
        lost += part.count
        isExact = false
      default:
        remembered += part
      }
      start = end
    }
    func prints(_ frames: [Int]) -> [FramePrint] {
      frames.map { frame in FramePrint(withUnsafeBytes(of: frame.littleEndian) { Array($0) }) }
    }
    let account = AudioAccounting(
      sent: prints(sent), remembered: prints(remembered), uncertain: reported
    ).account()
    #expect((account.sessionsExact == 1) == isExact)
    // A silence that was lost here and doubled there is one that was moved: that alone may hide.
    let silences = doubled.count { $0 == -1 }
    let hidden = doubled.count * 640 - account.duplicatedBytes
    #expect(hidden >= 0 && hidden <= silences * 640)
    #expect(account.lostBytes == lost * 640 - hidden)
    #expect(account.reorderedBytes <= hidden)
    #expect(
      account.sentBytes - account.lostBytes + account.duplicatedBytes == account.rememberedBytes)
  }

  @Test(arguments: UInt64(1)...200)
  func exactnessIsWhatTryingEveryReadingFinds(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let sent = (0..<Int.random(in: 0...9, using: &random)).map { _ in
      Int.random(in: 0..<3, using: &random)
    }
    let mayBeAbsent = sent.map { _ in Bool.random(using: &random) }
    let excused = sent.indices.filter { mayBeAbsent[$0] }
    var readings: Set<[Int]> = []
    for choice in 0..<(1 << excused.count) {
      let absent = Set(excused.indices.filter { choice >> $0 & 1 == 1 }.map { excused[$0] })
      readings.insert(sent.indices.filter { !absent.contains($0) }.map { sent[$0] })
    }
    var candidates = readings
    for _ in 0..<30 {
      candidates.insert(
        (0..<Int.random(in: 0...9, using: &random)).map { _ in Int.random(in: 0..<3, using: &random)
        })
    }
    for candidate in candidates {
      let found = FrameAlignment.isExact(
        sent: sent, remembered: candidate, mayBeAbsent: mayBeAbsent)
      #expect(found == readings.contains(candidate), "\(sent) \(mayBeAbsent) \(candidate)")
    }
  }

  @Test(arguments: UInt64(1)...300)
  func theLongestCommonSequenceIsThatOfTheTextbook(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let letters = Int.random(in: 1...6, using: &random)
    func word() -> [Int] {
      (0..<Int.random(in: 0...30, using: &random)).map { _ in
        Int.random(in: 0..<letters, using: &random)
      }
    }
    let (a, b) = (word(), word())
    var table = [[Int]](repeating: Array(repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in a.indices {
      for j in b.indices {
        table[i + 1][j + 1] =
          a[i] == b[j] ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
      }
    }
    #expect(FrameAlignment.longestCommonSequence(a, b) == table[a.count][b.count])
  }

  @Test func accountsAddUp() {
    var sum = Self.account("abc", "ab", lost: [2..<3])
    sum += Self.account("abc", "aab", uncertain: [0..<1])
    #expect(
      sum
        == AudioAccount(
          sentBytes: 3840, rememberedBytes: 3200, lostBytes: 1280, reportedLostBytes: 640,
          uncertainBytes: 640, duplicatedBytes: 640, reorderedBytes: 0, sessionsExact: 1))
  }
}
