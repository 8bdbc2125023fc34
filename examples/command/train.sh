# train.sh X EPOCHS: (x-1)² + 1/epoch, on standard output behind the mark.
for epoch in $(seq "$2"); do
	loss=$(awk -v x="$1" -v e="$epoch" 'BEGIN { print (x - 1) * (x - 1) + 1 / e }')
	echo "epoch $epoch done. budwood: {\"epoch\": $epoch, \"loss\": $loss}"
done
