// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

/// What an emulated service tells of itself at `GET /emulator/report`, as far as a talk asks.
struct OutsideReport: Sendable, Equatable {
  /// What it remembers of one session.
  struct Session: Sendable, Equatable {
    var texts = 0
    var audioBytes = 0
    var audioMessages = 0
    /// Of all remembered audio, in sixteen hexadecimal digits.
    var audioDigest = ""
    /// Of each message of it, if they were asked for.
    var audioDigests: [UInt64] = []
  }

  /// A promise that some client broke.
  struct Promise: Sendable, Equatable {
    var words: String
    /// The service's number of the session in which it was, if it was in one.
    var session: Int?
  }

  var promisesBroken = 0
  /// Each broken promise, as far as their details were kept.
  var promises: [Promise] = []
  /// The label of each session that has one, by the service's number.
  var labels: [Int: String] = [:]
  /// The sessions of each label, in the order of their start.
  var sessions: [String: [Session]] = [:]
  /// Upgrades asked for in each piece of time, the newest last, and how long a piece is.
  var upgrades: [Int] = []
  var upgradeBucket = Duration.milliseconds(100)

  init() {}

  /// Nil if the JSON is no such report.
  init?(_ json: JSONValue) {
    guard let service = json["service"], let broken = Self.count(service["promisesBroken"])
    else { return nil }
    promisesBroken = broken
    promises = (json["promisesBroken"]?.arrayValue ?? []).map { promise in
      let kind = promise["kind"]?.stringValue ?? "a promise"
      return Promise(
        words: "\(kind) on connection \(promise["connection"]?.integerValue ?? 0)",
        session: Self.count(promise["session"]))
    }
    let counts = json["upgrades"]?["counts"]?.arrayValue ?? []
    upgrades = counts.suffix(Self.upgradesKept).map { Self.count($0) ?? 0 }
    if let length = Self.count(json["upgrades"]?["bucketMilliseconds"]), length > 0 {
      upgradeBucket = .milliseconds(length)
    }
    for session in json["sessions"]?.arrayValue ?? [] {
      guard let label = session["label"]?.stringValue else { continue }
      sessions[label, default: []].append(Session(session["remembered"]))
      if let number = Self.count(session["session"]) { labels[number] = label }
    }
  }

  /// More than any server tells.
  private static let upgradesKept = 100_000

  /// A number as it may be in a true report: sums of such ones do not overflow.
  static func count(_ json: JSONValue?) -> Int? {
    json?.integerValue.map { Int(min(max($0, 0), 1 << 40)) }
  }

  /// The report of what came after an earlier one.
  func since(_ earlier: OutsideReport) -> OutsideReport {
    var result = self
    result.promisesBroken -= earlier.promisesBroken
    result.promises = Array(promises.dropFirst(earlier.promises.count))
    return result
  }

  /// Each promise that it saw broken, in one sentence, whether its details were kept or not; but those
  /// in sessions of others, whose labels do not begin like ours.
  func brokenPromises(label: String) -> [String] {
    let own = promises.filter { promise in
      promise.session.map { labels[$0]?.hasPrefix(label) == true } ?? true
    }
    let untold = promisesBroken - promises.count
    return own.map(\.words) + (untold > 0 ? ["\(untold) more that the service did not keep"] : [])
  }

  /// Upgrades asked for in a stretch of time that began and ended so long before the report: all of
  /// them, and the most within one second.
  func upgrades(from begin: Duration, to end: Duration) -> (all: Int, peakPerSecond: Int) {
    let count = upgrades.count
    let first = max(0, count - 1 - Int((begin / upgradeBucket).rounded(.up)))
    let last = min(count, max(first, count - Int(max(0, end / upgradeBucket).rounded(.down))))
    let stretch = upgrades[min(first, last)..<last]
    let width = max(1, Int((.seconds(1) / upgradeBucket).rounded()))
    let peak = stretch.indices.map { stretch[$0..<min($0 + width, last)].reduce(0, +) }.max()
    return (stretch.reduce(0, +), peak ?? 0)
  }
}

extension OutsideReport.Session {
  init(_ remembered: JSONValue?) {
    func tally(_ kind: String, _ what: String) -> Int {
      OutsideReport.count(remembered?[kind]?[what]) ?? 0
    }
    texts = tally("text", "count") + tally("content", "count")
    audioBytes = tally("audio", "bytes")
    audioMessages = tally("audio", "count")
    audioDigest = remembered?["audioDigest"]?.stringValue ?? ""
    audioDigests = (remembered?["audioDigests"]?.arrayValue ?? []).compactMap { digest in
      digest.stringValue.flatMap { UInt64($0, radix: 16) }
    }
  }
}
#endif
