// SPDX-License-Identifier: Apache-2.0

import LiveBroker

extension SessionAccount {
  /// The promises that were broken towards this application, each in one sentence.
  ///
  /// - Parameters:
  ///   - session: Its place in the run.
  ///   - textsRemembered: Text turns that the service remembers; nil if it does not tell.
  ///   - slack: How much later than the service we may know what it knows: a round trip, and
  ///     what is sent before the ping that proves the rest.
  func brokenPromises(session: Int, textsRemembered: Int?, slack: Duration) -> [String] {
    var broken: [String] = []
    if let end, end.isFailure { broken.append("session \(session) ended: \(end)") }
    broken += reports.indices.compactMap { excess(ofReport: $0, session: session, slack: slack) }
    // The service may remember one more than the script sent: the probe.
    if let textsRemembered, textsRemembered < textsSent {
      broken.append("session \(session): \(textsSent - textsRemembered) text turns are forgotten")
    }
    return broken
  }

  /// After a loss no more speech may be uncertain than the last handle was old, one round trip, and
  /// what had been held before and was sent at once.
  private func excess(ofReport index: Int, session: Int, slack: Duration) -> String? {
    let report = reports[index]
    guard !report.cause.isPlanned, let age = report.handleAge else { return nil }
    let known = report.at.advanced(by: .zero - age - slack)
    let flushed = reports[..<index].filter { $0.at >= known }
      .reduce(Duration.zero) { $0 + $1.longestHeld }
    let bytes =
      (age - report.gap + slack + flushed) / .seconds(1) * Double(Recording.bytesPerSecond)
    // Frames are uncertain whole.
    guard Double(report.uncertain.audioBytes) > bytes + Double(Recording.frameBytes) else {
      return nil
    }
    return "session \(session): \(report.uncertain.audioBytes) bytes are uncertain, "
      + "though the last handle was \(age - report.gap) old"
  }
}
