"""Are these words of a happy or of a sad text? From raw strings, with a TextVectorization layer in the pipeline."""

import hashlib

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(2)
words = np.array(["good", "great", "lovely", "bad", "sad", "awful", "film", "story", "the", "a", "of", "and"])
random = np.random.default_rng(2)
chosen = random.integers(0, len(words), size=(400, 8))
texts = [" ".join(words[row]) for row in chosen]
labels = ((chosen < 3).sum(axis=1) > ((chosen >= 3) & (chosen < 6)).sum(axis=1)).astype("float32")

vectorize = layers.TextVectorization(max_tokens=50, output_sequence_length=8)
vectorize.adapt(texts)
dataset = tf.data.Dataset.from_tensor_slices((texts, labels)).batch(32)
dataset = dataset.map(lambda text, label: (vectorize(text), label)).cache()
train, validation = dataset.take(10), dataset.skip(10)

model = keras.Sequential(
    [
        layers.Embedding(50, 8),
        layers.Bidirectional(layers.LSTM(8)),
        layers.Dropout(0.2),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")])
model.fit(train.shuffle(10, seed=2), validation_data=validation, epochs=3, verbose=2)

digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
print("weights", digest)
