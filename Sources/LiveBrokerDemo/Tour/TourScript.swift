// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What one session does and when: its utterances, its text turns, its tool calls.
///
/// Made from the seed alone, so that equal seeds give equal tours.
struct TourScript: Sendable {
  /// One thing that a session does.
  enum Step: Sendable, Equatable {
    /// A turn of text; every tenth makes the model call a tool.
    case text(String)
    /// Speech: so many 20 ms frames of the recording from this position on.
    case speech(position: Int, frames: Int)
  }

  /// Steps with the time from the run's beginning, in order.
  var steps: [(at: Duration, step: Step)] = []

  /// Utterances of a session that speaks, and how long each is: together 65 seconds.
  static let utterances = 13
  static let framesPerUtterance = 250

  init(session: Int, options: TourOptions, recording: Recording?, random: inout SplitMix64) {
    let minutes = max(1, Int(options.minutes.rounded(.up)))
    let phase = random.unit()
    for minute in 0..<minutes {
      let at = Duration.seconds((Double(minute) + 0.05 + 0.7 * phase) * 60)
      guard at < options.length - .seconds(5) else { continue }
      let isCall = minute % 10 == session % 10
      steps.append((at, .text(isCall ? "please use the tool \(minute)" : "minute \(minute)")))
    }
    if let recording { addSpeech(recording, options, &random) }
    steps.sort { $0.at < $1.at }
  }

  private mutating func addSpeech(
    _ recording: Recording, _ options: TourOptions, _ random: inout SplitMix64
  ) {
    let share = (options.length - .seconds(10)) / Self.utterances
    var position = Int(random.unit() * Double(recording.sampleCount))
    for utterance in 0..<Self.utterances {
      let at = share * (Double(utterance) + 0.5 * random.unit())
      steps.append((at, .speech(position: position, frames: Self.framesPerUtterance)))
      position = recording.position(after: position, by: Self.framesPerUtterance)
    }
  }
}
