// SPDX-License-Identifier: Apache-2.0

import Foundation
import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct StatisticsTests {
  @Test(arguments: [
    (50, [7], 7), (99, [7], 7), (100, [7], 7), (0, [7, 8], 7),
    (50, [1, 2], 1), (51, [1, 2], 2), (50, [1, 2, 3], 2), (99, Array(1...100), 99),
    (99, Array(1...101), 100), (99, Array(1...200), 198), (100, Array(1...200), 200),
    (30, [15, 20, 35, 40, 50], 20), (40, [15, 20, 35, 40, 50], 20), (41, [15, 20, 35, 40, 50], 35),
  ])
  func aPercentileIsTheElementOfTheNearestRank(_ percent: Int, _ sorted: [Int], _ value: Int) {
    #expect(nearestRank(percent, in: sorted) == value)
  }

  @Test func nothingHasNoPercentile() {
    #expect(nearestRank(50, in: [Int]()) == nil)
    #expect(Percentiles(of: []) == Percentiles(of: [.zero]))
  }

  @Test func percentilesAreInMillisecondsWhateverTheOrder() {
    let figures = Percentiles(of: (1...200).reversed().map { .microseconds($0 * 500) })
    #expect(figures.p50 == 50)
    #expect(figures.p99 == 99)
    #expect(figures.max == 100)
  }

  @Test func extremesAreThoseOfTheCounts() {
    let some = Extremes(of: [6, 9, 7])
    #expect(some.min == 6 && some.max == 9)
    let none = Extremes(of: [])
    #expect(none.min == 0 && none.max == 0)
  }

  @Test func thePeakIsTheFullestSecondWhereverItBegins() {
    func peak(_ milliseconds: [Int64]) -> Int {
      peakPerSecond(milliseconds.map { EngineInstant(nanoseconds: $0 * 1_000_000) })
    }
    #expect(peak([]) == 0)
    #expect(peak([5]) == 1)
    #expect(peak([1500, 0, 999, 1000, 1001]) == 4)
    #expect(peak([0, 1000, 2000]) == 1)
    #expect(peak([7, 7, 7]) == 3)
  }
}

@Suite struct TourSummaryTests {
  static func figures() -> ([SessionFigures], RunFigures) {
    var first = SessionFigures()
    first.isLive = true
    first.rotations = 7
    first.renewals = 2
    first.unplannedDrops = 1
    first.resumed = 8
    first.toolCalls = 3
    first.receivedFromModelBytes = 5000
    first.audio = AudioAccount(
      sentBytes: 1_920_000, rememberedBytes: 1_919_360, lostBytes: 640, reportedLostBytes: 640,
      uncertainBytes: 1280, sessionsExact: 1)
    first.gaps = [.milliseconds(150), .microseconds(152_500)]
    first.held = [.milliseconds(400)]
    first.recoveries = [.milliseconds(900)]
    var second = first
    second.rotations = 6
    second.freshStarts = 1
    var run = RunFigures()
    run.virtual = .seconds(3900)
    run.wall = .microseconds(12_345_678)
    run.tokensMinted = 6
    run.tokensExpiredUnused = 1
    run.roundTrip = .milliseconds(50)
    run.setup = .milliseconds(50)
    run.storm = StormFigures(
      sessions: 2, attempts: 3, lastBack: .milliseconds(2100), admittedPerSecond: 1,
      peakDialsPerSecond: 2)
    run.seed = .max
    run.traceHash = "00ff"
    return ([first, second], run)
  }

  @Test func theJSONHasEveryKeyInOrderOnOneLine() {
    let (sessions, run) = Self.figures()
    let expected = """
      {"sessions":2,"live":2,"virtualSeconds":3900,"wallSeconds":12.346,"rotations":13,\
      "rotationsPerSession":{"min":6,"max":7},"renewals":4,"renewalsPerSession":{"min":2,"max":2},\
      "unplannedDrops":2,"resumed":16,"freshStarts":1,"tokensMinted":6,"tokensExpiredUnused":1,\
      "toolCalls":6,"audio":{"sentBytes":3840000,"rememberedBytes":3838720,"lostBytes":1280,\
      "reportedLostBytes":1280,"uncertainBytes":2560,"duplicatedBytes":0,"reorderedBytes":0,\
      "receivedFromModelBytes":10000,"sessionsExact":2},"rttMilliseconds":50,"setupMilliseconds":50,\
      "gapMilliseconds":{"p50":150,"p99":152.5,"max":152.5},\
      "heldMilliseconds":{"p50":400,"p99":400,"max":400},\
      "recoveryMilliseconds":{"p50":900,"p99":900,"max":900},\
      "storm":{"sessions":2,"attemptsPerSession":1.5,"lastBackSeconds":2.1,"idealSeconds":2,\
      "peakDialsPerSecond":2},"promisesBroken":0,"seed":18446744073709551615,"traceHash":"00ff"}
      """
    #expect(TourSummary(sessions: sessions, run: run).json == expected)
  }

  @Test func withoutAStormItsKeyIsNull() throws {
    var (sessions, run) = Self.figures()
    run.storm = nil
    let json = TourSummary(sessions: sessions, run: run).json
    #expect(json.contains(#""storm":null,"promisesBroken""#))
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    #expect(object?.count == 24)
  }

  @Test func aStringIsEscaped() {
    var line = JSONLine()
    line.add("a\"b\\", "line\nbreak \u{1} é")
    line.add("n", Double.nan)
    #expect(line.text == #"{"a\"b\\":"line\u000abreak \u0001 é","n":null}"#)
  }

  @Test func aTourHoldsOnlyIfEveryVerdictDoes() {
    let (sessions, run) = Self.figures()
    #expect(TourSummary(sessions: sessions, run: run).holds)
    func holds(_ change: (inout SessionFigures, inout RunFigures) -> Void) -> Bool {
      var (changed, run) = Self.figures()
      change(&changed[1], &run)
      return TourSummary(sessions: changed, run: run).holds
    }
    #expect(holds { _, _ in })
    #expect(!holds { session, _ in session.isLive = false })
    #expect(!holds { session, _ in session.audio.sessionsExact = 0 })
    #expect(!holds { session, _ in session.audio.duplicatedBytes = 640 })
    #expect(!holds { session, _ in session.audio.reorderedBytes = 640 })
    #expect(!holds { session, _ in session.audio.lostBytes = 64_000 })
    #expect(!holds { _, run in run.promisesBroken = ["No new session on a closed window"] })
  }

  @Test func theTableIsAlignedAndNamesWhatBroke() {
    var (sessions, run) = Self.figures()
    sessions[0].isLive = false
    run.promisesBroken = (1...25).map { "promise \($0) " + String(repeating: "word ", count: 30) }
    let lines = SummaryTable(summary: TourSummary(sessions: sessions, run: run)).lines()
    let box = lines.prefix { $0.hasPrefix("┌") || $0.hasPrefix("│") || $0.hasPrefix("├") }
    #expect(Set(box.map(\.count)).count == 1)
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(
      lines.contains {
        $0.contains("live at the end") && $0.contains("1 of 2") && $0.contains("NO")
      })
    #expect(lines.contains { $0.contains("1,920,000") || $0.contains("3,840,000") })
    #expect(lines.contains { $0.hasPrefix("  * promise 20 ") })
    #expect(lines.last == "  and 5 more")
    #expect(lines.contains("  trace SHA-256 00ff"))
  }

  @Test(arguments: [
    (0.0, 1, "0.0"), (-0.04, 1, "0.0"), (12.345, 2, "12.35"), (999.96, 1, "1000.0"), (2.5, 0, "3"),
    (-1.5, 1, "-1.5"),
  ])
  func numbersAreShownWithFixedDecimals(_ number: Double, _ decimals: Int, _ text: String) {
    #expect(fixed(number, decimals) == text)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func thousandsAreSetApart(_ number: Int, _ text: String) {
    #expect(grouped(number) == text)
  }
}

@Suite struct ProgressBarTests {
  @Test func itDrawsAtMostTenTimesASecond() {
    var bar = ProgressBar(length: .seconds(3900), sessions: 100, isVisible: true)
    var drawn = 0
    for millisecond in 0..<2000
    where bar.draw(
      virtual: .seconds(millisecond), live: 100, wall: .milliseconds(millisecond), columns: 80)
      != nil
    { drawn += 1 }
    #expect(drawn == 20)
  }

  @Test func itShowsShareClockAndLiveSessionsAndLeavesNothingBehind() throws {
    var bar = ProgressBar(length: .seconds(3900), sessions: 20_000, isVisible: true)
    let drawn = bar.draw(virtual: .seconds(1950), live: 19_999, wall: .seconds(3), columns: 100)
    let text = try #require(drawn)
    #expect(
      text
        == "\r 50% ███████████████░░░░░░░░░░░░░░░ 32:30 of 1:05:00  19,999 of 20,000 live  3.0 s")
    #expect(text.count <= 100)
    let shorter = bar.draw(virtual: .seconds(1950), live: 9, wall: .seconds(4), columns: 100)
    #expect(shorter?.count == text.count)
    let erased = bar.erase()
    #expect(erased == "\r" + String(repeating: " ", count: text.count - 6) + "\r")
    let erasedAgain = bar.erase()
    #expect(erasedAgain == nil)
  }

  @Test(arguments: [20, 40, 80, 81, 82, 83, 120])
  func itFitsIntoTheTerminalWithoutItsLastColumn(_ columns: Int) throws {
    var bar = ProgressBar(length: .seconds(3900), sessions: 20_000, isVisible: true)
    for second in 1...3 {
      let drawn = bar.draw(
        virtual: .seconds(1950), live: 19_999, wall: .seconds(second),
        note: second == 2 ? "  1,400 rotations, 1,100 renewals, 2 losses" : "", columns: columns)
      let text = try #require(drawn)
      #expect(text.hasPrefix("\r 50%"))
      #expect(text.count - 1 < columns)
    }
    let erased = bar.erase()
    #expect(try #require(erased).count - 2 < columns)
  }

  @Test func whatIsToldGoesBeforeTheBar() throws {
    var bar = ProgressBar(length: .seconds(60), sessions: 20, isVisible: true)
    let drawn = bar.draw(
      virtual: .seconds(30), live: 20, wall: .seconds(30), note: "  40 rotations, 9 renewals",
      columns: 80)
    let text = try #require(drawn)
    #expect(text.hasSuffix("░ 00:30 of 01:00  20 of 20 live  40 rotations, 9 renewals"))
  }

  @Test func withoutATerminalItDrawsNothing() {
    var bar = ProgressBar(length: .seconds(60), sessions: 1, isVisible: false)
    let drawn = bar.draw(virtual: .seconds(30), live: 1, wall: .seconds(1), columns: 80)
    let erased = bar.erase()
    #expect(drawn == nil)
    #expect(erased == nil)
  }

  @Test func timesBeyondTheEndAndRunsWithoutLengthAreFull() {
    for length in [Duration.zero, .seconds(60)] {
      var bar = ProgressBar(length: length, sessions: 1, isVisible: true)
      let text = bar.draw(virtual: .seconds(90), live: 1, wall: .zero, columns: 80)
      #expect(text?.contains("100%") == true)
    }
  }
}

@Suite struct TourReportTests {
  private static func report(_ change: (inout RunFigures) -> Void = { _ in }) -> TourReport {
    var (sessions, run) = TourSummaryTests.figures()
    change(&run)
    return TourReport(
      summary: TourSummary(sessions: sessions, run: run),
      life: Timeline(title: "One life", length: .seconds(3900), events: TimelineTests.life()))
  }

  @Test func aPersonGetsTimelineAndTable() {
    let text = Self.report().text(asJSON: false)
    #expect(text.hasPrefix("One life\n"))
    #expect(text.contains("\nconnections │"))
    #expect(text.contains("Every promise held."))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func aProgramGetsOneLine() {
    let report = Self.report()
    #expect(report.text(asJSON: true) == report.summary.json)
    #expect(!report.text(asJSON: true).contains("\n"))
  }

  @Test func theProcessEndsWellOnlyIfEveryPromiseHeld() {
    #expect(Self.report().status == .success)
    #expect(Self.report { $0.promisesBroken = ["broken"] }.status == .promiseBroken)
  }
}

@Suite struct TraceFileTests {
  @Test func whatIsWrittenIsThereWhenItIsClosed() throws {
    let path = FileManager.default.temporaryDirectory.appending(
      path: "LiveBrokerDemo-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("what was there before".utf8).write(to: URL(filePath: path))
    let file = try TraceFile(path: path)
    for line in ["one\n", "two\n"] { Array(line.utf8).withUnsafeBytes { file.write($0) } }
    try file.close()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "one\ntwo\n")
  }

  @Test func aLinkStaysALink() throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "LiveBrokerDemo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let target = folder.appending(path: "target").path
    let link = folder.appending(path: "link").path
    try Data("old".utf8).write(to: URL(filePath: target))
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let file = try TraceFile(path: link)
    Array("new".utf8).withUnsafeBytes { file.write($0) }
    try file.close()
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
  }

  @Test func aPathThatCannotBeWrittenIsToldBeforeTheRun() {
    let error = #expect(throws: OutputFileError.self) {
      try TraceFile(path: "no/such/folder/trace")
    }
    #expect(
      error?.description
        == "the trace 'no/such/folder/trace' could not be written: No such file or directory")
  }

  @Test func aFailureWhileWritingIsToldAtTheEnd() throws {
    // A descriptor that is open for reading only refuses every write, wherever the test runs.
    let handle = try #require(FileHandle(forReadingAtPath: "/dev/null"))
    let file = TraceFile(path: "trace", handle: handle)
    Array("line\n".utf8).withUnsafeBytes { file.write($0) }
    let error = #expect(throws: OutputFileError.self) { try file.close() }
    #expect(error?.path == "trace")
  }
}
